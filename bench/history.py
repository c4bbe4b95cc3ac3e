"""Many series' samples over hours, and their remote write requests."""

import array
import itertools
import random
import struct

import pages
from write_request import field, snappy, varint

STEP_MS = 15_000
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
MODES = ("idle", "user", "system", "iowait", "irq", "nice", "softirq", "steal")


class Series:
    def __init__(self, instance, name, pairs, values):
        labels = {"__name__": name, "instance": f"host-{instance:02}:9100", "job": "node", **pairs}
        self.instance = instance
        self.name = name
        self.values = values
        self.labels = b"".join(field(1, field(1, key.encode()) + field(2, labels[key].encode()))
                               for key in sorted(labels))


class Past:
    """Samples every 15 seconds that end just before `end_ms`. None is at a whole second: whether a
    range takes the samples at both its ends in has changed between versions of Prometheus."""

    def __init__(self, hours, end_ms):
        self.samples = hours * 3600 * 1000 // STEP_MS
        self.start_ms = end_ms - self.samples * STEP_MS
        self.series = []

    def phase_ms(self, instance):
        return 137 + instance * 701 % 14_000

    def names(self):
        return sorted({series.name for series in self.series})

    def requests(self, samples_each):
        """Remote write requests of so many samples a series, in order of time."""
        for first in range(0, self.samples, samples_each):
            last = min(first + samples_each, self.samples)
            yield snappy(b"".join(field(1, series.labels + self._encode(series, first, last))
                                  for series in self.series))

    def _encode(self, series, first, last):
        start = self.start_ms + self.phase_ms(series.instance)
        doubles = struct.pack(f"<{last - first}d", *series.values[first:last])
        out = []
        for i in range(last - first):
            time = varint(start + (first + i) * STEP_MS)
            out.append(bytes((0x12, 10 + len(time), 0x09)) + doubles[8 * i:8 * i + 8] + b"\x10" +
                       time)
        return b"".join(out)


class Machines(Past):
    """Machines whose series and values are like a real node exporter's: see pages.py."""

    def __init__(self, learned, machines, lines, hours, end_ms):
        super().__init__(hours, end_ms)
        for machine in range(machines):
            page = pages.Page(learned, machine, lines, STEP_MS / 1000)
            columns = [array.array("d") for _ in range(lines)]
            for number in range(self.samples):
                page.next((self.start_ms + number * STEP_MS + page.random.random() * 20) / 1000)
                for column, value in zip(columns, page.values()):
                    column.append(value)
            self.series += [Series(machine, name, labels, column)
                            for (name, labels), column in zip(page.series(), columns)]


class History(Past):
    """100 series an instance, like those of an application beside a node exporter."""

    def __init__(self, instances, hours, end_ms):
        super().__init__(hours, end_ms)
        self.random = random.Random(1)
        for instance in range(instances):
            self._add_instance(instance)

    def _add_instance(self, instance):
        def add(name, values, **pairs):
            self.series.append(Series(instance, name, pairs, values))

        for cpu, mode in itertools.product(range(4), MODES):
            add("node_cpu_seconds_total", self._counter(0.01), cpu=str(cpu), mode=mode)
        add("node_memory_MemTotal_bytes", [16e9] * self.samples)
        add("node_memory_MemAvailable_bytes", self._gauge(8e9, 4096, 500))
        for handler in ("/", "/api", "/login"):
            self._add_histogram(instance, handler)
            for code in ("200", "404", "500"):
                add("http_requests_total", self._counter(1), handler=handler, code=code)
        for device in ("eth0", "eth1", "lo"):
            add("node_network_receive_bytes_total", self._counter(1), device=device)
            add("node_network_transmit_bytes_total", self._counter(1), device=device)
            add("node_filesystem_avail_bytes", self._gauge(1e9, 4096, 50), device=device)
        add("node_load1", self._gauge(200, 0.01, 10))
        for sensor in ("temp1", "temp2"):
            add("node_hwmon_temp_celsius", self._gauge(500, 0.1, 4), sensor=sensor)
        for device in ("sda", "sdb"):
            add("node_disk_io_time_seconds_total", self._counter(0.001), device=device)
        add("up", [1.0] * self.samples)

    def _counts(self, spread):
        """Ascending from far above zero, and once falling to something far above it: how rates
        are extrapolated where zero is near has changed between versions of Prometheus."""
        counts = list(itertools.accumulate(self.random.choices(range(spread), k=self.samples),
                                           initial=spread * 1000))[1:]
        reset = self.random.randrange(self.samples)
        return counts[:reset] + [count - counts[reset] // 2 for count in counts[reset:]]

    def _counter(self, unit):
        return [count * unit for count in self._counts(1500)]

    def _gauge(self, middle, unit, spread):
        walk = itertools.accumulate(
            self.random.choices(range(-spread, spread + 1), k=self.samples))
        return [(middle + step) * unit for step in walk]

    def _add_histogram(self, instance, handler):
        name = "http_request_duration_seconds"
        total = [0] * self.samples
        for bound in BUCKETS:
            total = [a + b for a, b in zip(total, itertools.accumulate(
                self.random.choices(range(20), k=self.samples), initial=20_000))]
            self.series.append(Series(instance, name + "_bucket",
                                      {"handler": handler, "le": bound}, total))
        self.series.append(Series(instance, name + "_count", {"handler": handler}, total))
        self.series.append(Series(instance, name + "_sum", {"handler": handler},
                                  self._counter(0.001)))
