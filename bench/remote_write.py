#!/usr/bin/env python3
"""Remote write side by side: Barograph, Prometheus and VictoriaMetrics in one run.

Writes the same history to each server, of machines whose values move as those of a real node
exporter do (bench/pages.py), from bodies that are made beforehand, in two shapes: `live`, one sample
a series a request, as real senders do; and `bulk`, an hour of 240 samples a series a request. Prints
what a million samples cost in CPU seconds, and how many are taken a second.

Of the bulk also what becomes of it: the last hour is written, and the server killed (SIGKILL) as soon
as that is acknowledged; it is started, stopped, started again, and left alone until all of the history
is in blocks and nothing is merged any more. The samples are counted each time.

    bench/remote_write.py                   2,000 series, 24 hours at 15 seconds

Only ratios between the servers of one run mean something: absolute numbers are the machine's.
"""

import argparse
import sys
import tempfile
import time

import pages
import report
import servers
import write_request
from history import STEP_MS, Machines

HOUR_MS = 3_600_000
WINDOW_MS = 2 * HOUR_MS  # of the shortest blocks
SETTLED = 10  # seconds after which every server has written what it buffers
QUESTION = "last_over_time(node_load1[5m])"


class Load:
    """The history as requests. It ends a window before the present one, so that all of it is to
    be in blocks once there is a newer sample."""

    def __init__(self, options, folder):
        self.end_ms = (int(time.time() * 1000) // WINDOW_MS - 1) * WINDOW_MS
        past = Machines(pages.learn(pages.real_pages(folder)), options.machines, options.series,
                        options.hours, self.end_ms)
        self.seconds = (options.hours + 1) * 3600
        self.names = past.names()
        self.series = len(past.series)
        self.hours = list(past.requests(HOUR_MS // STEP_MS))
        self.samples_an_hour = self.series * (HOUR_MS // STEP_MS)
        self.steps = [body for _, body in zip(range(options.requests), past.requests(1))]

    @property
    def samples(self):
        return self.samples_an_hour * len(self.hours)

    def count(self, server):
        return server.count(self.names, self.end_ms / 1000, self.seconds)


def written(server, bodies, samples):
    """Writes all; CPU seconds a million samples, and thousands of samples a second."""
    cpu, began = server.cpu_seconds(), time.monotonic()
    for body in bodies:
        server.write(body)
    took = time.monotonic() - began
    time.sleep(2)  # work that was put off counts too
    return {"CPU s a million samples": (server.cpu_seconds() - cpu) / samples * 1e6,
            "k samples a second": samples / took / 1e3}


def write_live(server, load):
    server.start()
    figures = written(server, load.steps, len(load.steps) * load.series)
    server.stop()
    return figures


def write_bulk(server, load):
    """All but the last hour; then that, and SIGKILL with the acknowledgement."""
    server.start()
    first = load.samples - load.samples_an_hour
    figures = written(server, load.hours[:-1], first)
    figures["RSS bytes a series"] = server.resident_bytes() / load.series
    figures["not visible after 2 s"] = first - load.count(server)
    time.sleep(SETTLED)
    at = load.end_ms / 1000 - 7200
    answer = server.query(QUESTION, at)
    server.write(load.hours[-1])
    server.kill()
    figures["kill -9: seconds to a right answer"] = server.restart(QUESTION, at, answer)
    has = load.count(server)
    figures["kill -9: acknowledged samples lost"] = load.samples - has
    figures["stop: seconds to end"] = server.stop()
    figures["stop: seconds to a right answer"] = server.restart(QUESTION, at, answer)
    figures["stop: samples lost"] = has - load.count(server)
    return figures


def push_out(server):
    """Makes all of the history old."""
    now_ms = int(time.time() * 1000)
    server.write(write_request.write_request(
        [(write_request.labels({"__name__": "bench_present"}), [(now_ms, 1.0)])]))


def compact(compared, load, figures):
    cpu = {server.name: server.cpu_seconds() for server in compared}
    disk = {server.name: server.written_bytes() for server in compared}
    for server in compared:
        push_out(server)
    servers.settle(compared)
    for server in compared:
        samples = load.count(server)
        figures[server.name] |= {
            "compacted: CPU s a million samples": (server.cpu_seconds() - cpu[server.name]) /
                                                  samples * 1e6,
            "compacted: bytes written a sample": (server.written_bytes() - disk[server.name]) /
                                                 samples,
            "compacted: bytes on disk a sample": server.disk_bytes() / samples,
            "compacted: of these in blocks": server.block_bytes() / samples,
            "compacted: blocks": server.blocks() or None,
            "compacted: samples": samples,
            "compacted: RSS bytes a series": server.resident_bytes() / load.series,
        }


def by_figure(figures):
    """{what: {server: number}} of {server: {what: number}}."""
    return {what: {name: of[what] for name, of in figures.items()}
            for what in next(iter(figures.values()))}


def run(options, folder):
    load = Load(options, folder)
    found = servers.binaries(options)
    for shape, write in (("live", write_live), ("bulk", write_bulk)):
        if shape not in (options.shape or (shape,)):
            continue
        compared = [servers.Server(name, binary, folder, instance=shape)
                    for name, binary in found.items()]
        figures = {}
        try:
            for server in compared:
                figures[server.name] = write(server, load)
                if shape == "bulk":
                    server.stop()
            if shape == "bulk" and options.compact:
                for server in compared:
                    server.start()
                compact(compared, load, figures)
        finally:
            servers.end_all(compared)
        samples = load.samples if shape == "bulk" else len(load.steps) * load.series
        report.print_table(f"{shape}: {load.series:,} series, {samples:,} samples",
                           by_figure(figures), list(found))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    servers.add_arguments(parser)
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--series", type=int, default=1000, help="of each machine")
    parser.add_argument("--hours", type=int, default=24, help="of the shape `bulk`")
    parser.add_argument("--requests", type=int, default=1000, help="of the shape `live`")
    parser.add_argument("--shape", choices=("bulk", "live"), action="append")
    parser.add_argument("--no-compact", dest="compact", action="store_false",
                        help="do not wait for the blocks of the bulk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(options, folder))


if __name__ == "__main__":
    main()
