"""Asks Barograph and a real Prometheus 3 the same random queries over the same random data, with all
of the language, and shows where the answers differ: values, histograms bucket by bucket, errors,
warnings and infos with their positions, all as the HTTP API tells them.

    prometheus3_differential.py --prometheus BINARY [--history BINARY] [--queries N] [--seed N]

Debian has no Prometheus 3, so that CTest does not run this. Each query has a seed of its own, printed
with each difference; --seed SEED --queries 1 asks it again, of the same data."""

import argparse
import os
import pathlib
import random
import re
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT / "tests" / "integration"))
os.environ.setdefault("BAROGRAPH", str(PROJECT / "build" / "release" / "barograph"))

import differential_test
import support

QUERIES_OF_ONE_DATA = 2000
MAX_SHOWN = 40
FEATURES = ("promql-experimental-functions", "promql-extended-range-selectors",
            "promql-binop-fill-modifiers")
DELAYED = "promql-delayed-name-removal"


def error_text(answer):
    """The error without the series that it shows: which are met first depends on the storage."""
    text = answer.get("error")
    return text and re.sub(r"(match group )?\{.*\}", "", text)


def is_known(query, ours, theirs):
    """Differences that are meant, or that are of what Prometheus's storage makes of histograms.

    - Of series that lost their names Prometheus takes one with floats and one with histograms at the
      same time for one series, and shows either; here that is the error that it is for two floats.
    - Which counter resets are known depends on where chunks begin.
    - Buckets without observations that a chunk holds say whether there were negative values.
    - Empty buckets that a chunk holds become NaN where they are multiplied with it or an infinity.
    - Quantiles where NaN was observed: Prometheus 3.14 takes the place of the rank in its bucket for
      one in the last bucket (promql/quantile.go, after the detection of NaN).
    - The logarithm of numbers below the smallest normal one is wrong in Go.
    - Errors "unexpected number of samples" and "histograms with custom buckets have no zero bucket"
      of Prometheus are its own.
    - timestamp(x @ t offset d): Prometheus leaves the offset out of what it looks for, but not out of
      what it reads; where d is negative, or the sample is old, that is another sample, or none.
    - Where one operator's sides do not match and another's result has two of one series, both fail,
      with one or the other error.

    """
    told = ours.get("warnings", []) + ours.get("infos", []) + theirs.get("warnings", []) \
        + theirs.get("infos", [])
    if ours["status"] == "error" and theirs["status"] == "success":
        return "__name__" in query and "match" not in ours["error"]
    error = theirs.get("error", "")
    if re.search(r"timestamp\([^()]* @ [^()]*(\(\))? offset ", query):
        return True
    if "unexpected number of samples" in error or "have no zero bucket" in error:
        return True
    if "same labelset" in error and "found duplicate series" in ours.get("error", ""):
        return True
    if re.search(r"\b(ln|log2|log10)\(", query) and "odd" in query:
        return True
    if any("conflicting counter resets" in note or "NaN observations" in note for note in told):
        return True
    # Of ng, mix and what __name__=~ adds there may be negative values.
    return re.search(r"histogram_(quantiles?|fraction)\(", query) and re.search(r"\b(ng|mix)\b", query)


class Comparison:
    def __init__(self, noisy):
        self.noise = differential_test.NOISE if noisy else 0

    def close(self, a, b):
        return differential_test.close(a, b, self.noise)

    def floats(self, a, b):
        return None if self.close(a, b) else f"{a} against {b}"

    def histograms(self, a, b):
        if not (self.close(a["count"], b["count"]) and self.close(a["sum"], b["sum"])):
            return f"{a} against {b}"
        left, right = ({(rule, low, high): count for rule, low, high, count in h.get("buckets", [])}
                       for h in (a, b))
        noise = differential_test.TOLERANCE * max(abs(float(a["count"])), abs(float(b["count"])))
        for bucket in left.keys() | right.keys():
            x, y = left.get(bucket, "0"), right.get(bucket, "0")
            if x in ("0", "-Inf", "+Inf") and y == "NaN":
                continue  # see is_known
            if not self.close(x, y) and not abs(float(x) - float(y)) <= noise:
                return f"bucket {bucket}: {x} against {y}"
        return None

    def series(self, ours, theirs):
        for floats, histograms in (("values", "histograms"), ("value", "histogram")):
            for kind, same in ((floats, self.floats), (histograms, self.histograms)):
                left, right = (dict(s[kind] if floats == "values" else [s[kind]]) if kind in s else {}
                               for s in (ours, theirs))
                if left.keys() != right.keys():
                    return f"{kind} at {sorted(left.keys() ^ right.keys())[:3]} on one side only"
                for time, value in left.items():
                    if problem := same(value, right[time]):
                        return f"at {time}: {problem}"
        return None

    def values(self, ours, theirs):
        if ours["resultType"] != theirs["resultType"]:
            return f"{ours['resultType']} against {theirs['resultType']}"
        ours, theirs = ours["result"], theirs["result"]
        if not ours or not isinstance(ours[0], dict):
            same = len(ours) == len(theirs) and (not ours or self.close(ours[1], theirs[1]))
            return None if same else f"{ours} against {theirs}"
        ours, theirs = ({support.key(s["metric"]): s for s in side} for side in (ours, theirs))
        if ours.keys() != theirs.keys():
            return f"series {sorted(ours.keys() ^ theirs.keys())[:3]} on one side only"
        for labels, series in ours.items():
            if problem := self.series(series, theirs[labels]):
                return f"{labels} {problem}"
        return None

    def notes(self, ours, theirs):
        for kind in ("warnings", "infos"):
            left, right = (set(answer.get(kind, [])) for answer in (ours, theirs))
            if len(left) > 10 or len(right) > 10:  # the API tells of ten
                continue
            if left != right:
                return f"{kind}: {sorted(left - right)} against {sorted(right - left)}"
        return None

    def answers(self, ours, theirs):
        if ours["status"] != theirs["status"] or error_text(ours) != error_text(theirs):
            return f"{ours.get('error', 'success')!r} against {theirs.get('error', 'success')!r}"
        if ours["status"] == "error":
            return None
        return self.values(ours["data"], theirs["data"]) or self.notes(ours, theirs)


class Differential(support.Case):
    arguments = None

    def queries_of(self, data_seed, first, count):
        """Makes a data directory, and gives it and the queries."""
        folder = f"{self.directory}/data-{data_seed}-{first}"
        made = subprocess.run(
            [self.arguments.history, folder, str(data_seed), str(first), str(count)],
            check=True, stdout=subprocess.PIPE, text=True)
        exported = folder + "-prometheus"
        code, text = self.run_barograph("tsdb", "export", f"--storage.tsdb.path={folder}",
                                       "--prometheus", exported)
        self.assertEqual(code, 0, text)
        return folder, exported, [line.split("\t", 5) for line in made.stdout.splitlines()]

    def client(self, program, folder, config, delayed):
        port = support.free_port()
        features = FEATURES + ((DELAYED,) if delayed else ())
        server = support.Server(
            [program, f"--config.file={config}",
             f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={folder}", "--storage.tsdb.retention.time=100y",
             f"--enable-feature={','.join(features)}"], self.directory, port)
        self.addCleanup(server.kill)
        client = differential_test.Client(server.wait_ready())
        self.addCleanup(client.connection.close)
        return server, client

    def test_answers_are_the_same(self):
        config = self.file("empty.yml", "global: {scrape_interval: 1h}\n")
        first = self.arguments.seed
        if first is None:
            first = random.randrange(1 << 40)
        seed, end, found, answered = first, first + self.arguments.queries, [], 0
        while seed < end:
            data_seed = seed // QUERIES_OF_ONE_DATA
            count = min(end, (data_seed + 1) * QUERIES_OF_ONE_DATA) - seed
            folder, exported, queries = self.queries_of(data_seed, seed, count)
            delayed = data_seed % 2 == 0
            our_server, ours = self.client(os.environ["BAROGRAPH"], folder, config, delayed)
            their_server, theirs = self.client(self.arguments.prometheus, exported, config, delayed)
            for number, start, stop, step, noisy, text in queries:
                path, parameters = "query", {"query": text, "time": int(start) / 1000}
                if step != "0":
                    path, parameters = "query_range", {"query": text, "start": int(start) / 1000,
                                                       "end": int(stop) / 1000, "step": int(step) / 1000}
                a, b = (c.ask(path, parameters) for c in (ours, theirs))
                answered += b["status"] == "success" and bool(b["data"]["result"])
                if is_known(text, a, b):
                    continue
                if problem := Comparison(noisy == "1").answers(a, b):
                    mark = " (delayed name removal)" if delayed else ""
                    found.append(f"seed {number}{mark}: {path} {parameters}\n  {problem}")
            our_server.kill()
            their_server.kill()
            seed += count
        print(f"{self.arguments.queries} queries from seed {first}: {answered} had an answer with "
              f"values, {len(found)} differ")
        self.assertFalse(found, "\n".join(["", *found[:self.arguments.show]]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--history", default=PROJECT / "build" / "release" / "random_history")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--show", type=int, default=MAX_SHOWN)
    Differential.arguments = parser.parse_args()
    support.unittest.main(argv=sys.argv[:1])
