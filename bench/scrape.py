#!/usr/bin/env python3
"""Scraping side by side: Barograph, Prometheus and VictoriaMetrics in one run.

Lets each server scrape the same targets (bench/targets.py), whose pages are those of a real node
exporter and more (bench/pages.py), and prints what a sample costs in CPU and on the disk, and a
series in memory. Then each is killed (SIGKILL), and later stopped (SIGTERM), while the others go
on: how long until it gives the right answer again, and what is lost.

    bench/scrape.py                                      100,000 series every 2 s
    bench/scrape.py --targets 500 --interval 10          500,000 series every 10 s

Only ratios between the servers of one run mean something: absolute numbers are the machine's.
"""

import argparse
import collections
import sys
import tempfile
import time

import report
import servers
import targets

CLOCK = "node_time_seconds"
SETTLED = 20  # seconds after which every server is to have its samples where they survive


def wait_for_scrapes(fleet, server, since, what):
    """Until every target was scraped after `since`."""
    servers.wait_until(lambda: all(pages and pages[-1].at > since
                                   for pages in fleet.served(server.name).values()),
                       f"{server.name} scrapes {what}", pause=0.5)


def measure(compared, fleet, seconds, figures):
    def state(server):
        return (fleet.samples_served(server.name), server.cpu_seconds(), server.written_bytes())

    before = {server.name: state(server) for server in compared}
    time.sleep(seconds)
    for server in compared:
        samples, cpu, written = (b - a for a, b in zip(before[server.name], state(server)))
        all_samples = fleet.samples_served(server.name)
        for what, value in (
                ("samples while measured", samples),
                ("CPU s a million samples", cpu / max(samples, 1) * 1e6),
                ("RSS bytes a series", server.resident_bytes() / fleet.series),
                ("bytes written a sample", written / max(samples, 1)),
                ("bytes on disk a sample", server.disk_bytes() / all_samples)):
            figures.setdefault(what, {})[server.name] = value


def clocks(server, at):
    """{port: the time that its page told} as the server knows it at `at`."""
    answer = server.query(f"last_over_time({CLOCK}[1h])", at)
    return answer and {int(dict(labels)["instance"].rpartition(":")[2]): value
                       for labels, value in answer.items()}


def check_right(server, fleet, at):
    """The answer that is to come back after a restart is what the targets served."""
    told = clocks(server, at)
    for port, pages in fleet.served(server.name).items():
        # To the millisecond: VictoriaMetrics does not keep all digits.
        if all(abs(told.get(port, 0) - page.clock) > 0.001 for page in pages):
            raise SystemExit(f"{server.name} has {told.get(port)} of target {port}, not one of "
                             f"{len(pages)} values that it served")


class Restarts:
    """Ends servers, starts them again, and counts what they have of the time before."""

    QUESTION = f"last_over_time({CLOCK}[1h])"

    def __init__(self, fleet, figures):
        self.fleet, self.figures = fleet, figures
        self.began = time.time()
        self.lost = collections.Counter()  # by server, so far

    def count(self, server, at):
        return server.count(self.fleet.names, at, at - self.began + 60)

    def run(self, server, end, how):
        fleet, at = self.fleet, time.time()
        visible = self.count(server, at)
        check_right(server, fleet, at - SETTLED)
        answer = server.query(self.QUESTION, at - SETTLED)
        ended = time.time()
        stopping = end()
        served = fleet.samples_served(server.name, ended)
        took = server.restart(self.QUESTION, at - SETTLED, answer)
        wait_for_scrapes(fleet, server, time.time(), "again")
        lost = served - self.count(server, ended)
        for what, value in (
                ("seconds to end", stopping),
                ("seconds to a right answer", took),
                ("samples served before", served),
                ("of these lost", lost - self.lost[server.name]),
                ("of these had been visible", max(0, visible - self.count(server, at))),
                ("RSS bytes a series", server.resident_bytes() / fleet.series)):
            if value is not None:
                self.figures.setdefault(f"{how}: {what}", {})[server.name] = value
        self.lost[server.name] = lost


def run(options, folder):
    fleet = targets.Targets(folder, options.targets, options.series, options.interval)
    compared = [servers.Server(name, binary, folder, fleet.config(name))
                for name, binary in servers.binaries(options).items()]
    figures = {}
    restarts = Restarts(fleet, figures)
    try:
        for server in compared:
            server.start()
        for server in compared:
            wait_for_scrapes(fleet, server, restarts.began, "all targets")
        time.sleep(options.warmup)
        measure(compared, fleet, options.seconds, figures)
        if options.restart:
            for server in compared:
                restarts.run(server, server.kill, "kill -9")
            time.sleep(SETTLED + options.interval)
            for server in compared:
                restarts.run(server, server.stop, "stop")
    finally:
        servers.end_all(compared)
        fleet.stop()
    title = (f"{fleet.series:,} series every {options.interval:g} s, {fleet.real_lines} of "
             f"{options.series} a page real")
    report.print_table(title, figures, [server.name for server in compared])
    return all(figures["samples while measured"].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    servers.add_arguments(parser)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", type=float, default=2, help="seconds between scrapes")
    parser.add_argument("--warmup", type=float, default=30,
                        help="seconds; long enough for the first index writes")
    parser.add_argument("--seconds", type=float, default=120, help="how long to measure")
    parser.add_argument("--no-restart", dest="restart", action="store_false",
                        help="only measure scraping")
    parser.add_argument("--folder", default=None, help="where the servers' folders are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sys.exit(0 if run(options, folder) else 1)


if __name__ == "__main__":
    main()
