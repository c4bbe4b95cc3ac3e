"""Random series as both servers get them: gaps, staleness, resets, NaN and infinities, sent by
remote write. Timestamps never fall on a whole second, so that the ends of ranges, of which
Prometheus 2 counts one more than 3, are never met."""

import math
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from write_request import labels, write_request

BEGIN = 1_700_000_000  # seconds
INTERVAL = 15
POINTS = 480
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
BUCKETS = ("0.1", "0.5", "1", "5", "+Inf")


def _times(rng):
    phase = rng.randrange(1, 900)
    return [(BEGIN + i * INTERVAL) * 1000 + phase + rng.randrange(0, 90) for i in range(POINTS)]


def _counter(rng):
    # Far above zero, also after a reset: near it, versions of Prometheus extrapolate differently.
    value, values = rng.randrange(100_000, 200_000), []
    for _ in range(POINTS):
        value += rng.choice((0, 1, 2, rng.randrange(1000)))
        if rng.random() < 0.01:
            value = 100_000 + rng.randrange(1000)
        values.append(float(value))
    return values


def _gauge(rng):
    # Sums of such values are exact in any order, as versions of Prometheus add differently.
    return [rng.randrange(-10_000 * 1024, 10_000 * 1024) / 1024 for _ in range(POINTS)]


def _odd(rng):
    # Without -0, whose sum is 0 since Prometheus 3.
    return [rng.choice((math.nan, math.inf, -math.inf, 0.0, 1.0, 1.0, 2.5))
            for _ in range(POINTS)]


def _with_gaps(rng, times, values):
    samples, i = [], 0
    while i < POINTS:
        if rng.random() < 0.01:
            if rng.random() < 0.5:
                samples.append((times[i], STALE))
            i += rng.randrange(1, 40)
            continue
        samples.append((times[i], values[i]))
        i += 1
    return samples


def _histogram(rng):
    counts = [0] * len(BUCKETS)
    columns = [[] for _ in BUCKETS]
    for _ in range(POINTS):
        if rng.random() < 0.005:
            counts = [0] * len(BUCKETS)
        for _ in range(rng.randrange(20)):
            for i in range(rng.randrange(len(BUCKETS)), len(BUCKETS)):
                counts[i] += 1
        for column, count in zip(columns, counts):
            column.append(100_000.0 + count)
    return columns


def make(seed):
    """[(labels, [(milliseconds, value)])]"""
    rng = random.Random(seed)
    series = []

    def add(name, labels, times, values):
        series.append(({"__name__": name, **labels}, _with_gaps(rng, times, values)))

    for job in ("api", "db"):
        for instance in ("a:80", "b:80", "c:81"):
            base = {"job": job, "instance": instance}
            times = _times(rng)  # what one scrape brings has one time
            for path in ("/", "/x", "/long/er"):
                add("c_total", {**base, "path": path}, times, _counter(rng))
            add("g", base, times, _gauge(rng))
            add("h", {**base, "zone": rng.choice("xyz")}, times, _gauge(rng))
            add("info", {**base, "version": rng.choice(("1", "2"))}, times, [1.0] * POINTS)
            add("odd", base, _times(rng), _odd(rng))
            for le, column in zip(BUCKETS, _histogram(rng)):
                # Whole, as a scrape brings it.
                series.append(({"__name__": "lat_bucket", **base, "le": le},
                               list(zip(times, column))))
    return series


def requests(series, span_ms=600_000):
    """Bodies of remote write requests, in the order of time."""
    begin, end = BEGIN * 1000, (BEGIN + POINTS * INTERVAL) * 1000
    for first in range(begin, end, span_ms):
        parts = ((pairs, [s for s in samples if first <= s[0] < first + span_ms])
                 for pairs, samples in series)
        yield write_request((labels(pairs), s) for pairs, s in parts if s)
