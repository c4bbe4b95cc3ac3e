#!/usr/bin/env python3
"""Scraping side by side: barograph, and Prometheus where it is given.

Starts fake exporters on loopback, lets each server scrape all of them for a while in the same
run, and prints what a million samples cost in CPU seconds, and a series in memory. Only ratios
between the servers of one run mean something: absolute numbers are the machine's.

    bench/scrape.py --barograph build/release/barograph --prometheus /usr/bin/prometheus
"""

import argparse
import asyncio
import collections
import gzip
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

PAGE_VARIANTS = 16


class PageModel:
    """A page like a node exporter's, of which half the values change from variant to variant."""

    KINDS = ("seconds", "events", "bytes", "gauge", "info")

    def __init__(self, series):
        self.random = random.Random(1)
        self.lines = []
        family = 0
        while len(self.lines) < series:
            self._add_family(family, series)
            family += 1

    def _add_family(self, family, limit):
        name = f"node_subsystem{family}_measurement_total"
        kind = self.KINDS[family % len(self.KINDS)]
        for i in range(1 + self.random.randrange(24)):
            if len(self.lines) == limit:
                return
            head = ""
            if i == 0:
                head = (f"# HELP {name} Number of measurements of subsystem {family}.\n"
                        f"# TYPE {name} counter\n")
            text = f'{head}{name}{{device="device{i // 4}",mode="mode{i % 4}"}} '
            changes = kind != "info" and self.random.random() < 0.625
            self.lines.append([text, kind if changes else None, float(self.random.randrange(100000))])

    def next(self):
        out = []
        for line in self.lines:
            line[2] = self._change(line[1], line[2])
            value = line[2]
            out.append(f"{line[0]}{int(value) if value == int(value) else value}\n")
        return "".join(out).encode()

    def _change(self, kind, value):
        if kind == "seconds":
            return round(value + self.random.randrange(1500) / 100, 2)
        if kind == "events":
            return value + self.random.randrange(3000)
        if kind == "bytes":
            return value + self.random.randrange(10000000)
        if kind == "gauge":
            return self.random.randrange(1000000) / 1000
        return value


class Exporters:
    """Answers every request on every port with the next page, and counts by user agent."""

    def __init__(self, series, compress):
        model = PageModel(series)
        self.series = series
        self.answers = [self._answer(model.next(), compress) for _ in range(PAGE_VARIANTS)]
        self.pages_served = collections.Counter()
        self.servers = []

    @staticmethod
    def _answer(page, compress):
        encoding = ""
        if compress:
            page = gzip.compress(page, 6)
            encoding = "Content-Encoding: gzip\r\n"
        return (f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n{encoding}"
                f"Content-Length: {len(page)}\r\n\r\n").encode() + page

    async def start(self, count):
        for _ in range(count):
            self.servers.append(await asyncio.start_server(self._converse, "127.0.0.1", 0))
        return [server.sockets[0].getsockname()[1] for server in self.servers]

    async def _converse(self, reader, writer):
        variant = 0
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                agent = "prometheus" if b"User-Agent: Prometheus/" in request else "barograph"
                self.pages_served[agent] += 1
                writer.write(self.answers[variant % PAGE_VARIANTS])
                variant += 1
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One of the servers under test, with a folder of its own."""

    def __init__(self, name, binary, folder, config):
        self.name = name
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(os.path.join(folder, name + ".log"), "wb")
        self.process = subprocess.Popen(
            [binary, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={os.path.join(folder, name)}"],
            stdout=self.log, stderr=subprocess.STDOUT)

    async def wait_ready(self):
        for _ in range(300):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended: see {self.log.name}")
            try:
                await asyncio.to_thread(urllib.request.urlopen, self.url + "/-/ready", None, 1)
                return
            except OSError:
                await asyncio.sleep(0.1)
        raise SystemExit(f"{self.name} is not ready after 30 seconds: see {self.log.name}")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


async def measure(servers, exporters, targets, seconds):
    before = {server.name: (server.cpu_seconds(), exporters.pages_served[server.name])
              for server in servers}
    await asyncio.sleep(seconds)
    results = {}
    for server in servers:
        cpu, pages = before[server.name]
        samples = (exporters.pages_served[server.name] - pages) * exporters.series
        results[server.name] = {
            "samples": samples,
            "cpu": (server.cpu_seconds() - cpu) / max(samples, 1) * 1e6,
            "rss": server.resident_bytes() / (targets * exporters.series),
        }
    return results


def report(results):
    print(f"{'':12}{'samples':>12}{'CPU s/million':>16}{'RSS bytes/series':>18}")
    for name, result in results.items():
        print(f"{name:12}{result['samples']:12}{result['cpu']:16.3f}{result['rss']:18.0f}")
    if len(results) == 2 and results["barograph"]["cpu"] > 0:
        ours, theirs = results["barograph"], results["prometheus"]
        print(f"prometheus takes {theirs['cpu'] / ours['cpu']:.1f} times the CPU and "
              f"{theirs['rss'] / ours['rss']:.1f} times the memory")


async def run(options):
    exporters = Exporters(options.series, options.gzip)
    ports = await exporters.start(options.targets)
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as file:
            file.write(f"global: {{scrape_interval: {options.interval}}}\n"
                       "scrape_configs:\n- job_name: bench\n  static_configs:\n  - targets:\n")
            file.writelines(f"    - 127.0.0.1:{port}\n" for port in ports)
        servers = []
        try:
            for name in ("barograph", "prometheus"):
                if getattr(options, name):
                    servers.append(Server(name, getattr(options, name), folder, config))
            for server in servers:
                await server.wait_ready()
            await asyncio.sleep(options.warmup)
            results = await measure(servers, exporters, options.targets, options.seconds)
        finally:
            for server in servers:
                server.stop()
    report(results)
    return all(result["samples"] > 0 for result in results.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--barograph", required=True, help="the binary")
    parser.add_argument("--prometheus", help="Debian's, for comparison")
    parser.add_argument("--targets", type=int, default=50)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", default="1s")
    parser.add_argument("--warmup", type=float, default=15,
                        help="seconds; long enough for the first index writes")
    parser.add_argument("--seconds", type=float, default=30, help="how long to measure")
    parser.add_argument("--gzip", action="store_true", help="compressed pages")
    sys.exit(0 if asyncio.run(run(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
