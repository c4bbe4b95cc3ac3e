"""Asks Barograph and a real Prometheus the same random queries over the same random data, and
shows where the answers differ. Range queries are asked of Barograph in part first, so that the cache
of results has some of the whole answer; that must also be the same as without the cache, to the
last digit.

    differential_test.py [--queries N] [--seed N]

Each query has a seed of its own, printed with each difference: --seed SEED --queries 1 asks it
again, of the same data."""

import argparse
import http.client
import json
import math
import pathlib
import random
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

import data
import generator
import support

DATA_SEED = 4
TOLERANCE = 1e-12  # relative
NOISE = 1e-8  # absolute and relative, where the last digits are noise: see generator.py
MAX_SHOWN = 20


class Client:
    """One connection to one server."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def ask(self, path, parameters):
        body = urllib.parse.urlencode(parameters)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", f"/api/v1/{path}", body, headers)
        return json.loads(self.connection.getresponse().read())

    def write(self, body):
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
                   "X-Prometheus-Remote-Write-Version": "0.1.0"}
        self.connection.request("POST", "/api/v1/write", body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 204:
            raise AssertionError(f"remote write: {response.status} {text}")


def times(rng):
    """The path and times of a query; never a multiple of 30 s, see data.py and generator.py."""
    start = data.BEGIN + 30 * rng.randrange(10, 200) + 7
    if rng.random() < 0.5:
        return "query", {"time": start}
    step = rng.choice((30, 60, 300))
    return "query_range", {"start": start, "end": start + step * rng.randrange(0, 40), "step": step}


def close(a, b, noise):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= max(TOLERANCE, noise) * max(abs(a), abs(b)) + noise


def points(result):
    """{labels: {time: value}} of a vector or a matrix."""
    return {support.key(series["metric"]): dict(series.get("values") or [series["value"]])
            for series in result}


def difference(ours, theirs, noise):
    """What differs between two answers, or None; `noise` is how far values may be apart."""
    if ours["status"] != theirs["status"] or ours.get("errorType") != theirs.get("errorType"):
        return f"{ours.get('error', 'success')!r} against {theirs.get('error', 'success')!r}"
    if ours["status"] == "error":
        return None
    ours, theirs = ours["data"], theirs["data"]
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']} against {theirs['resultType']}"
    ours, theirs = ours["result"], theirs["result"]
    if not ours or not isinstance(ours[0], dict):  # a scalar, or nothing
        same = len(ours) == len(theirs) and (not ours or close(ours[1], theirs[1], noise))
        return None if same else f"{ours} against {theirs}"
    ours, theirs = points(ours), points(theirs)
    if ours.keys() != theirs.keys():
        return f"series {sorted(ours.keys() ^ theirs.keys())[:3]} on one side only"
    for labels, left in ours.items():
        right = theirs[labels]
        if left.keys() != right.keys():
            return f"{labels}: times {sorted(left.keys() ^ right.keys())[:3]} on one side only"
        for time, value in left.items():
            if not close(value, right[time], noise):
                return f"{labels} at {time}: {value} against {right[time]}"
    return None


class Differential(support.Case):
    queries = 1000
    seed = None

    def setUp(self):
        super().setUp()
        program = support.peer("prometheus")
        if program is None:
            print("needs prometheus")
            sys.exit(77)
        config = self.file("empty.yml", "global: {scrape_interval: 1h}\n")
        flags = ("--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y")
        self.ours = self.client(self.barograph(f"--config.file={config}", *flags))
        self.theirs = self.client(self.prometheus(config, program, *flags))
        for body in data.requests(data.make(DATA_SEED)):
            self.ours.write(body)
            self.theirs.write(body)

    def client(self, server):
        client = Client(server)
        self.addCleanup(client.connection.close)
        return client

    def compare(self, seed):
        """What differs for the query of a seed, or None; and whether it had an answer."""
        rng = random.Random(seed)
        path, parameters = times(rng)
        queries = generator.Generator(rng)
        parameters["query"] = queries.query()
        if path == "query_range":
            steps = (parameters["end"] - parameters["start"]) // parameters["step"]
            part = parameters["end"] - parameters["step"] * rng.randrange(0, steps // 2 + 1)
            self.ours.ask(path, parameters | {"end": part})
        ours, theirs = (c.ask(path, parameters) for c in (self.ours, self.theirs))
        if path == "query_range" and ours != self.ours.ask(path, parameters | {"nocache": 1}):
            return f"seed {seed}: {path} {parameters}\n  differs from the same without cache", True
        found = difference(ours, theirs, NOISE if queries.noisy else 0)
        answered = theirs["status"] == "success" and bool(theirs["data"]["result"])
        return found and f"seed {seed}: {path} {parameters}\n  {found}", answered

    def test_answers_are_the_same(self):
        first = self.seed if self.seed is not None else random.randrange(1 << 40)
        found, answered = [], 0
        for seed in range(first, first + self.queries):
            text, has_answer = self.compare(seed)
            answered += has_answer
            if text:
                found.append(text)
        print(f"{self.queries} queries from seed {first}: {answered} had an answer with values, "
              f"{len(found)} differ")
        self.assertFalse(found, "\n".join(["", *found[:MAX_SHOWN]]))
        if self.queries > 100:
            self.assertGreater(answered, self.queries // 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=Differential.queries)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    Differential.queries, Differential.seed = arguments.queries, arguments.seed
    support.unittest.main(argv=sys.argv[:1])
