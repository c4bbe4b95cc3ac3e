#!/usr/bin/env python3
"""Dashboard queries side by side: Barograph, and its peers where they are given.

Loads 2,000 series x 24 hours at 15 seconds into each server by remote write, starts all anew, asks
the queries of bench/query/queries.txt in turn, and prints three times of each:

  cold    the first answer after the start; the files are in the page cache
  warm    the median of the answers after it, without caches of results (nocache=1)
  cached  the median where servers may use results that they kept: the same query, which ends a step
          later each time. Prometheus has no such cache.

and how Barograph's warm and cached times compare with the fastest peer's. Answers are checked
against Prometheus's. Only ratios between the servers of one run mean something.

    bench/query/query.py
"""

import argparse
import collections
import json
import math
import pathlib
import re
import socket
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import history
import servers

Question = collections.namedtuple("Question", "name hours step expression")


def read_questions():
    path = pathlib.Path(__file__).with_name("queries.txt")
    questions = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, hours, step, expression = (part.strip() for part in line.split("|", 3))
            questions.append(Question(name, int(hours), int(step), expression))
    return questions


class Connection:
    """Asks over one TCP connection, and spends little on it itself: http.client takes as long for a
    request and its answer as a server does for a small query."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=servers.LONGEST_WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path):
        """Status, and what follows the headers as it came: chunks may still be in their wrapping."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = self._receive()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        headers = received[:end].lower()
        parts = [received[end + 4:]]
        if length := re.search(rb"\r\ncontent-length: *(\d+)", headers):
            left = int(length[1]) - len(parts[0])
            while left > 0:
                parts.append(self._receive())
                left -= len(parts[-1])
        else:
            last = parts[0][-5:]
            while last != b"0\r\n\r\n":
                parts.append(self._receive())
                last = (last + parts[-1])[-5:]
        return int(headers.split()[1]), headers, parts

    def _receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise SystemExit("a server has closed the connection")
        return data


def body_of(headers, parts):
    body = b"".join(parts)
    if b"\r\ntransfer-encoding: chunked" not in headers:
        return body
    whole, at = [], 0
    while (size_end := body.index(b"\r\n", at)) and (size := int(body[at:size_end], 16)):
        whole.append(body[size_end + 2:size_end + 2 + size])
        at = size_end + 2 + size + 2
    return b"".join(whole)


class Server(servers.Server):
    client = None

    def start(self):
        super().start()
        self.client = Connection(self.port)

    def ask(self, question, end, hours, cached=False):
        """Seconds, and the body of the answer."""
        form = {"query": question.expression}
        if not cached:
            form["nocache"] = 1
        if question.step == 0:
            path, form["time"] = "/api/v1/query", end
        else:
            path, form["end"] = "/api/v1/query_range", end
            form |= {"start": end - min(question.hours, hours) * 3600, "step": question.step}
        path += "?" + urllib.parse.urlencode(form)
        begin = time.perf_counter()
        status, headers, parts = self.client.get(path)
        seconds = time.perf_counter() - begin
        body = body_of(headers, parts)
        if status != 200:
            raise SystemExit(f"{self.name}: {question.name}: {status} {body[:300]}")
        return seconds, body


def points_of(body):
    """{labels: {time: value}}"""
    answer = {}
    for series in json.loads(body)["data"]["result"]:
        points = series["values"] if "values" in series else [series["value"]]
        answer[json.dumps(series["metric"], sort_keys=True)] = {
            float(at): float(value) for at, value in points}
    return answer


def by_rank(points):
    """The same without labels: of series with one value any may be among the first k."""
    ranked = collections.defaultdict(list)
    for series in points.values():
        for at, value in series.items():
            ranked[at].append(value)
    return {rank: {at: sorted(values)[rank] for at, values in ranked.items() if rank < len(values)}
            for rank in range(max(map(len, ranked.values()), default=0))}


def difference(ours, theirs, ranked):
    """What is different, or None."""
    ours, theirs = points_of(ours), points_of(theirs)
    if ranked:
        ours, theirs = by_rank(ours), by_rank(theirs)
    if ours.keys() != theirs.keys():
        return f"{len(ours)} series and not {len(theirs)}, or others"
    for labels, points in theirs.items():
        if ours[labels].keys() != points.keys():
            return f"other times for {labels}"
        for at, value in points.items():
            mine = ours[labels][at]
            if not (math.isclose(mine, value, rel_tol=1e-9, abs_tol=1e-12) or
                    (math.isnan(mine) and math.isnan(value))):
                return f"{mine} and not {value} at {at} for {labels}"
    return None


def load(compared, past, settled):
    for body in past.requests(3600 * 1000 // history.STEP_MS):
        for server in compared:
            server.write(body)
    if settled:
        servers.settle(compared)
    for server in compared:  # whatever is buffered becomes visible, and files what they stay
        server.stop()
        server.start()


def in_turn(compared, number):
    """Each round begins with another."""
    first = number % len(compared)
    return compared[first:] + compared[:first]


def measure(compared, questions, end, hours, rounds):
    """{(server's name, question): seconds in order} without caches and with, and the last answers
    without by the same."""
    times, cached, answers = collections.defaultdict(list), collections.defaultdict(list), {}
    for number in range(rounds + 1):
        for question in questions:
            for server in in_turn(compared, number):
                key = server.name, question.name
                seconds, answers[key] = server.ask(question, end, hours)
                times[key].append(seconds)
    for number in range(rounds + 1):
        for question in questions:
            for server in in_turn(compared, number):
                to = end - (rounds - number) * question.step
                cached[server.name, question.name].append(
                    server.ask(question, to, hours, cached=True)[0])
    return times, cached, answers


def report(compared, questions, times, cached, answers):
    names = [server.name for server in compared]
    print(f"{'milliseconds: cold warm cached':30}" + "".join(f"{name:>24}" for name in names) +
          "   fastest peer / barograph: warm, cached")
    wrong = 0
    totals = collections.Counter()
    for question in questions:
        medians = {name: [statistics.median(seconds[name, question.name][1:])
                          for seconds in (times, cached)] for name in names}
        line = f"{question.name:30}"
        for name in names:
            warm, kept = medians[name]
            totals[name, "warm"] += warm
            totals[name, "cached"] += kept
            line += "".join(f"{seconds * 1e3:8.2f}"
                            for seconds in (times[name, question.name][0], warm, kept))
        peers = [medians[name] for name in names if name != "barograph"]
        if peers and "barograph" in medians:
            line += "".join(f"{min(peer[i] for peer in peers) / medians['barograph'][i]:8.2f}"
                            for i in range(2))
        if {"barograph", "prometheus"} <= set(names):
            wrong_part = difference(answers["barograph", question.name],
                                    answers["prometheus", question.name],
                                    question.expression.startswith("topk"))
            if wrong_part is not None:
                wrong += 1
                line += f"  DIFFERS: {wrong_part}"
        print(line)
    print(f"{'sum of medians':30}" + "".join(
        f"{'':8}{totals[name, 'warm'] * 1e3:8.1f}{totals[name, 'cached'] * 1e3:8.1f}"
        for name in names))
    return wrong == 0


def run(options):
    end = int(time.time()) // 60 * 60
    with tempfile.TemporaryDirectory() as folder:
        compared = [Server(name, binary, folder)
                    for name, binary in servers.binaries(options).items()]
        try:
            for server in compared:
                server.start()
            # An hour more than is asked for, so that ranges are full from the first step on.
            load(compared, history.History(options.instances, options.hours + 1, end * 1000),
                 options.settled)
            times, cached, answers = measure(compared, read_questions(), end, options.hours,
                                             options.rounds)
        finally:
            servers.end_all(compared)
    return report(compared, read_questions(), times, cached, answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    servers.add_arguments(parser)
    parser.add_argument("--instances", type=int, default=20, help="of 100 series each")
    parser.add_argument("--hours", type=int, default=24, help="that queries look back at most")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--settled", action="store_true",
                        help="first wait until each has merged its history, as a server in use has")
    sys.exit(0 if run(parser.parse_args()) else 1)


if __name__ == "__main__":
    main()
