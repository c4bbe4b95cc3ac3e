"""Pages of many machines, learned from a few pages of one real node exporter.

A line of the real page is constant, or it changes as it did in the pages that were seen: as often, by
as much, with as many digits. Every machine has its own pace and its own beginnings. To the real page
come families that a node exporter lacks, until there are enough lines: containers as cAdvisor tells
of them, and an application's histograms, whose labels differ from machine to machine."""

import collections
import decimal
import random
import re
import time
import urllib.request

import servers

PAGES_SEEN = 8
SECONDS_BETWEEN = 1.0
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")

LABEL = re.compile(r'(\w+)="([^"\\]*)"')

# How a line's value changes. `units` are of the last decimal place and multiples of `grain`.
Model = collections.namedtuple("Model", "kind units decimals grain chance step")
CONSTANT, COUNTER, GAUGE, CLOCK = "constant", "counter", "gauge", "clock"
BUCKET, TOTAL = "bucket", "total"  # cumulative counts, in the order of the lines, and their end


def real_pages(folder):
    """Some pages of a node exporter that runs meanwhile, a second apart."""
    port = servers.free_port()
    exporter = servers.Process("node_exporter", folder,
                               [str(servers.PEERS / "prometheus-node-exporter"),
                                f"--web.listen-address=127.0.0.1:{port}"])

    def page():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
            return response.read().decode()

    exporter.spawn()
    try:
        pages = [servers.wait_until(page, "a real page")]
        while len(pages) < PAGES_SEEN:
            time.sleep(SECONDS_BETWEEN)
            pages.append(page())
        return pages
    finally:
        exporter.kill()


def number(value):
    """As Go's exporters write it: the shortest digits, and with an exponent from a million on."""
    text = repr(float(value))
    if text.endswith(".0"):
        text = text[:-2]
    if abs(value) < 1e6 or "e" in text:
        return text
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).rstrip("0")
    point = "." if len(digits) > 1 else ""
    return f"{digits[0]}{point}{digits[1:]}e+{len(whole) - 1:02}"


def learn(pages):
    """[(text before the value, Model)] of the lines that all pages have; comments go with the line
    after them."""
    seen = collections.defaultdict(list)
    texts, types = {}, {}
    for page in pages:
        head = ""
        for line in page.splitlines(keepends=True):
            if line.startswith("#"):
                head += line
                if line.startswith("# TYPE "):
                    types[line.split()[2]] = line.split()[3]
                continue
            name, _, value = line.rstrip("\n").rpartition(" ")
            texts.setdefault(name, head + name + " ")
            seen[name].append(value)
            head = ""
    return [(texts[name], _model(name, types, values)) for name, values in seen.items()
            if len(values) == len(pages)]


def _model(name, types, texts):
    values = [decimal.Decimal(text) for text in texts]
    if not all(value.is_finite() for value in values):
        return None
    decimals = max(0, *(-value.normalize().as_tuple().exponent for value in values))
    units = [int(value.scaleb(decimals)) for value in values]
    steps = [b - a for a, b in zip(units, units[1:])]
    changes = [abs(step) for step in steps if step]
    if name == "node_time_seconds":
        return Model(CLOCK, units[0], 0, 1, 1, 0)
    if not changes:
        return Model(CONSTANT, units[0], decimals, 1, 0, 0)
    grain = next(g for g in (4096, 1024, 512, 1) if all(step % g == 0 for step in steps))
    family = name.partition("{")[0]
    counts = types.get(family) == "counter" or family.endswith(("_count", "_sum"))
    return Model(COUNTER if counts and min(steps) >= 0 else GAUGE, units[0], decimals, grain,
                 len(changes) / len(steps), sum(changes) / len(changes))


class Families:
    """What a node exporter does not tell: [(text, Model)], as many lines as are asked for."""

    CONTAINER = (  # name, type, decimals, units at first, chance of a change in a second, step
        ("container_cpu_usage_seconds_total", COUNTER, 9, 3_000_000_000_000, 0.9, 40_000_000),
        ("container_memory_working_set_bytes", GAUGE, 0, 200 << 20, 0.7, 300_000),
        ("container_memory_rss", GAUGE, 0, 150 << 20, 0.6, 200_000),
        ("container_memory_max_usage_bytes", CONSTANT, 0, 300 << 20, 0, 0),
        ("container_fs_writes_bytes_total", COUNTER, 0, 1 << 32, 0.4, 40_000),
        ("container_network_receive_bytes_total", COUNTER, 0, 1 << 34, 0.9, 30_000),
        ("container_network_receive_packets_total", COUNTER, 0, 1 << 24, 0.9, 40),
        ("container_network_transmit_bytes_total", COUNTER, 0, 1 << 33, 0.9, 50_000),
        ("container_network_receive_errors_total", CONSTANT, 0, 0, 0, 0),
        ("container_threads", GAUGE, 0, 24, 0.1, 1),
        ("container_start_time_seconds", CONSTANT, 0, 1_790_000_000, 0, 0),
        ("container_spec_memory_limit_bytes", CONSTANT, 0, 1 << 30, 0, 0),
    )

    def __init__(self, machine, rng):
        self.machine = machine
        self.random = rng

    def lines(self, count):
        histograms = count // 3 // (len(BOUNDS) + 2)
        out = self._containers(count - histograms * (len(BOUNDS) + 2))
        for handler in range(histograms):
            out += self._histogram(handler, first=handler == 0)
        return out

    def _containers(self, count):
        pods = -(-count // len(self.CONTAINER))
        out = []
        for name, kind, decimals, units, chance, step in self.CONTAINER:
            typed = "counter" if name.endswith("_total") else "gauge"
            head = f"# HELP {name} Of a container.\n# TYPE {name} {typed}\n"
            for pod in range(pods):
                text = (f'{head}{name}{{container="app-{pod % 7}",namespace="team-{pod % 5}",'
                        f'pod="app-{pod % 7}-7d4b9c6f5-{self.machine:04x}{pod:02x}"}} ')
                scale = self.random.uniform(0.1, 2) if kind != CONSTANT and units > 100 else 1
                grain = 4096 if kind == GAUGE and units > 1 << 20 else 1
                out.append((text, Model(kind, int(units * scale), decimals, grain, chance,
                                        max(1, step * scale))))
                head = ""
        return out[:count]

    def _histogram(self, handler, first):
        name = "http_request_duration_seconds"
        head = f"# HELP {name} Of requests.\n# TYPE {name} histogram\n" if first else ""
        out = []
        labels = f'handler="/api/v1/resource{handler}",version="1.{self.machine % 9}"'
        pace = self.random.uniform(0.1, 3)
        for bound in BOUNDS:
            out.append((f'{head}{name}_bucket{{{labels},le="{bound}"}} ',
                        Model(BUCKET, self.random.randrange(20_000), 0, 1, 0.5, pace)))
            head = ""
        out.append((f"{name}_sum{{{labels}}} ",
                    Model(COUNTER, 5_000_000_000, 9, 1, 0.9, 90_000_000)))
        out.append((f"{name}_count{{{labels}}} ", Model(TOTAL, 0, 0, 1, 1, 0)))
        return out


class Page:
    """One machine's page, that moves on from scrape to scrape. Always of the same lines."""

    def __init__(self, learned, machine, lines, interval):
        self.random = random.Random(machine)
        self.clock = 0.0  # what the newest page tells
        self.parts = []
        self.moving = []  # [place in parts, model, units]
        models = learned[:lines]
        models = models + Families(machine, self.random).lines(lines - len(models))
        pace = self.random.uniform(0.3, 2)
        for text, model in models:
            self.parts += [text.encode(), b"NaN\n"]
            if model is not None:
                self._begin(len(self.parts) - 1, model, pace, interval)

    @property
    def lines(self):
        return len(self.parts) // 2

    def series(self):
        """[(name, {label: value})] of the lines."""
        lines = (part.decode().rpartition("\n")[2] for part in self.parts[::2])
        return [(line.partition("{")[0].strip(), dict(LABEL.findall(line))) for line in lines]

    def values(self):
        """What the newest page tells, by line."""
        return [float(part) for part in self.parts[1::2]]

    def _begin(self, place, model, pace, interval):
        units = model.units
        if model.kind in (COUNTER, GAUGE):
            units = int(units * self.random.uniform(0.5, 1.5)) // model.grain * model.grain
            chance = 1 - (1 - model.chance) ** interval
            step = model.step / model.grain
            if model.kind == COUNTER:
                step *= model.chance * interval * pace / chance
            model = model._replace(units=units, chance=chance, step=step)
        elif model.kind == BUCKET:
            model = model._replace(chance=1 - (1 - model.chance) ** interval,
                                   step=model.step * interval * pace)
        if model.kind != CONSTANT:
            self.moving.append([place, model, units])
        self._put(place, units, model.decimals)

    def _put(self, place, units, decimals):
        value = units / 10 ** decimals if decimals else units
        self.parts[place] = (number(value) + "\n").encode()

    def next(self, now=None):
        """The next page's text, as of a time in seconds; the present if none is given."""
        total = 0
        for line in self.moving:
            place, model, units = line
            if model.kind == CLOCK:
                self.clock = round(now or time.time(), 6)
                self.parts[place] = (number(self.clock) + "\n").encode()
            elif model.kind == TOTAL:
                self._put(place, total, 0)
                total = 0
            elif self.random.random() < model.chance:
                line[2] = self._moved(model, units)
                if model.kind != BUCKET:
                    self._put(place, line[2], model.decimals)
            if model.kind == BUCKET:
                total += line[2]
                self._put(place, total, 0)
        return b"".join(self.parts)

    def _moved(self, model, units):
        if model.kind != GAUGE:
            return units + int(self.random.expovariate(1 / model.step) + 0.5) * model.grain
        # Around where it began.
        step = self.random.gauss(0, model.step) - (units - model.units) / model.grain * 0.05
        units += round(step) * model.grain
        return max(units, 0) if model.units >= 0 else units
