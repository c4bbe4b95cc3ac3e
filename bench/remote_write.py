#!/usr/bin/env python3
"""Remote write side by side: barograph, and Prometheus and VictoriaMetrics where they are given.

Writes the same history to each server in the same run, from bodies that are made beforehand, and
prints what a million samples cost in CPU seconds and how many are taken a second. Two shapes:
`bulk`, an hour of 240 samples a series a request, and `live`, one sample a series a request, as
real senders do. Only ratios between the servers of one run mean something.

    bench/remote_write.py --barograph build/release/barograph \\
        --prometheus build/peers/usr/bin/prometheus \\
        --victoriametrics build/peers/usr/bin/victoria-metrics
"""

import argparse
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import write_request

STEP_MS = 15_000


class Fleet:
    """Series like those of a fleet of machines; half are counters."""

    def __init__(self, count):
        self.random = random.Random(1)
        self.series = [(self._labels(i), i % 2 == 0, [float(self.random.randrange(10**6))])
                       for i in range(count)]

    @staticmethod
    def _labels(i):
        return write_request.labels({
            "__name__": f"node_subsystem{i % 40}_measurement_total", "job": "node",
            "instance": f"machine-{i // 40:04}.example.org:9100", "device": f"device{i % 7}",
            "mode": ("user", "system", "idle", "iowait")[i % 4], "cluster": "production"})

    def next(self, first_ms, steps):
        """The next `steps` samples of each series, as a body."""
        return write_request.write_request(
            (labels, [(first_ms + step * STEP_MS, self._advance(value, counts))
                      for step in range(steps)]) for labels, counts, value in self.series)

    def _advance(self, value, counts):
        if counts:
            value[0] += self.random.randrange(3000)
        elif self.random.random() < 0.5:
            value[0] = self.random.randrange(10**6) / 1000
        return value[0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def arguments_of(name, port, folder):
    if name == "victoriametrics":
        return [f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}",
                "-retentionPeriod=100y"]
    config = os.path.join(os.path.dirname(folder), "empty.yml")
    with open(config, "w") as file:
        file.write("global: {scrape_interval: 1h}\n")
    return [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.tsdb.path={folder}", "--web.enable-remote-write-receiver"]


class Server:
    """One of the servers under test, with a folder of its own."""

    def __init__(self, name, binary, folder):
        self.port = free_port()
        self.log = open(os.path.join(folder, name + ".log"), "wb")
        data = os.path.join(folder, name)
        self.process = subprocess.Popen([binary, *arguments_of(name, self.port, data)],
                                        stdout=self.log, stderr=subprocess.STDOUT)
        self.path = "/health" if name == "victoriametrics" else "/-/ready"
        for _ in range(300):
            if self.process.poll() is not None:
                raise SystemExit(f"{name} ended: see {self.log.name}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.path}", None, 1)
                break
            except OSError:
                time.sleep(0.1)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def write(self, body):
        self.connection.request("POST", "/api/v1/write", body, write_request.HEADERS)
        response = self.connection.getresponse()
        text = response.read()
        if response.status not in (200, 204):
            raise SystemExit(f"{response.status}: {text.decode(errors='replace')}")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def measure(name, binary, bodies, samples):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(name, binary, folder)
        try:
            cpu, began = server.cpu_seconds(), time.monotonic()
            for body in bodies:
                server.write(body)
            took = time.monotonic() - began
            time.sleep(2)  # work that was put off counts too
            cpu = server.cpu_seconds() - cpu
        finally:
            server.stop()
    return cpu / samples * 1e6, samples / took / 1e3


def bodies_of(shape, options, start_ms):
    fleet = Fleet(options.series)
    steps = 240 if shape == "bulk" else 1
    requests = options.hours if shape == "bulk" else options.requests
    bodies = [fleet.next(start_ms + i * steps * STEP_MS, steps) for i in range(requests)]
    return bodies, options.series * steps * requests


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--barograph", required=True, help="the binary")
    parser.add_argument("--prometheus", help="Debian's, for comparison")
    parser.add_argument("--victoriametrics", help="Debian's, for comparison")
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=24, help="of the shape `bulk`")
    parser.add_argument("--requests", type=int, default=1000, help="of the shape `live`")
    parser.add_argument("--shape", choices=("bulk", "live"), action="append")
    options = parser.parse_args()
    names = [n for n in ("barograph", "prometheus", "victoriametrics") if getattr(options, n)]
    print(f"{'':6}{'':18}{'CPU s/million':>14}{'k samples/s':>14}")
    for shape in options.shape or ("bulk", "live"):
        hour_ms = 3_600_000
        start_ms = (int(time.time() * 1000) // hour_ms - 30) * hour_ms
        bodies, samples = bodies_of(shape, options, start_ms)
        for name in names:
            cpu, rate = measure(name, getattr(options, name), bodies, samples)
            print(f"{shape:6}{name:18}{cpu:14.3f}{rate:14.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
