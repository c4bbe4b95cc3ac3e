#!/usr/bin/env python3
"""How the memory of a server that scrapes develops over minutes, through cuts of its head.

Prints a line every few seconds: resident bytes a series, and of these what is its own (anonymous),
what is pages of mapped files, which the kernel can take back, and what is shared; and bytes on disk.

    bench/memory.py                         100,000 series every 2 s, blocks of 10 minutes
"""

import argparse
import sys
import tempfile
import time

import servers
import targets

PARTS = ("VmRSS", "RssAnon", "RssFile", "RssShmem")


def watch(server, fleet, options):
    print(f"{fleet.series:,} series every {options.interval:g} s; bytes a series, and MiB on disk")
    print(f"{'seconds':>8}" + "".join(f"{part:>10}" for part in PARTS) +
          f"{'blocks':>8}{'disk':>8}{'CPU s/million':>15}")
    began, cpu, samples = time.monotonic(), server.cpu_seconds(), 0
    while time.monotonic() - began < options.minutes * 60:
        time.sleep(options.every)
        server.check_alive()
        now, all_samples = server.cpu_seconds(), fleet.samples_served(server.name)
        line = f"{time.monotonic() - began:8.0f}"
        line += "".join(f"{server.resident_bytes(part) / fleet.series:10.0f}" for part in PARTS)
        line += f"{server.blocks():8}{server.disk_bytes() / 2**20:8.0f}"
        print(line + f"{(now - cpu) / max(all_samples - samples, 1) * 1e6:15.3f}", flush=True)
        cpu, samples = now, all_samples


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", choices=("barograph", "prometheus"), default="barograph")
    parser.add_argument("--binary", help="if not the one that the other benchmarks take")
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", type=float, default=2, help="seconds between scrapes")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=15, help="seconds between lines")
    parser.add_argument("--block-duration", default="10m", help="of the shortest blocks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fleet = targets.Targets(folder, options.targets, options.series, options.interval)
        server = servers.Server(
            options.server, options.binary or servers.BINARIES[options.server], folder,
            fleet.config(options.server),
            [f"--storage.tsdb.min-block-duration={options.block_duration}"])
        try:
            server.start()
            watch(server, fleet, options)
        finally:
            server.kill()
            fleet.stop()


if __name__ == "__main__":
    sys.exit(main())
