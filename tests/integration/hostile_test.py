"""Targets that misbehave on the wire. Each gives a failed scrape with a clear reason, and nothing
else: the good target beside it is scraped on, and the server stays up."""

import gzip
import socket
import tempfile
import threading
import time

import support

TEXT = "Content-Type: text/plain; version=0.0.4\r\n"
LIMITS = "    body_size_limit: 64MB\n"


def response(body, headers=TEXT, length=None):
    size = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {size}\r\n\r\n".encode() + body


class RawTarget:
    """Answers each connection with bytes as they are, by a function of the socket."""

    def __init__(self, case, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = False
        threading.Thread(target=self.serve, daemon=True).start()
        case.addCleanup(self.close)

    def close(self):
        self.ended = True
        self.listener.close()

    def serve(self):
        while not self.ended:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection:
            try:
                connection.settimeout(20)
                connection.recv(65536)
                self.answer(connection)
            except OSError:
                pass  # the scraper gave up first, as it should


def page(body, **options):
    return lambda connection: connection.sendall(response(body, **options))


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + TEXT.encode() + b"Content-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"a")
        time.sleep(0.1)


def long_line(connection):
    connection.sendall(response(b"", length=100_000_000))
    for _ in range(100):
        connection.sendall(b"a" * 1_000_000)


def bomb():
    """About 100 MB of zeros in 100 KB."""
    packed = gzip.compress(b"\0" * 100_000_000, 9)
    return page(packed, headers=TEXT + "Content-Encoding: gzip\r\n")


HOSTILE = {
    "cut off": (page(b"a 1\nb", length=500), "EOF"),
    "cut off inside a line": (page(b"a 1\nb{c="), "while parsing"),
    "slow drip": (drip, "deadline exceeded"),
    "100 MB line": (long_line, "body size limit"),
    "gzip bomb": (bomb(), "body size limit"),
    "not gzip": (page(b"a 1\n", headers=TEXT + "Content-Encoding: gzip\r\n"), "gzip"),
    "bad UTF-8": (page(b'a{b="\xff\xfe"} 1\n'), "UTF-8"),
    "bad value": (page(b"a 1x\n"), "while parsing"),
    "wrong content type": (page(b"{}", headers="Content-Type: application/json\r\n"),
                           "Content-Type"),
    "no content type": (page(b"a 1\n", headers=""), "Content-Type"),
    "status 500": (lambda c: c.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), "500"),
    "not HTTP": (lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), ""),
    "silence": (lambda c: c.close(), "EOF"),
}

GOOD = {
    "no newline at the end": (page(b"good_metric 1"), {1.0}),
    "infinities": (page(b'good_metric{n="1"} +Inf\ngood_metric{n="2"} -inf\n'),
                   {float("inf"), float("-inf")}),
    "a series twice": (page(b"good_metric 1\ngood_metric 2\n"), {1.0}),
}


class Hostile(support.Case):
    def start_against(self, targets):
        ports = {RawTarget(self, answer).port: name for name, answer in targets.items()}
        config = self.file("prometheus.yml",
                           support.scrape_config(*ports, interval="1s", extra=LIMITS))
        data = tempfile.mkdtemp(dir=self.directory)
        return self.barograph(f"--config.file={config}", f"--storage.tsdb.path={data}"), ports

    def test_a_hostile_page_is_a_failed_scrape_with_a_reason(self):
        answers = {name: answer for name, (answer, _) in HOSTILE.items()}
        answers["good"] = page(b"good_metric 1\n")
        server, ports = self.start_against(answers)

        def all_scraped():
            targets = server.api("targets")["activeTargets"]
            return all(t["health"] != "unknown" for t in targets) and targets
        support.wait_for(all_scraped, seconds=40, what="a scrape of every target")
        time.sleep(2)
        for target in all_scraped():
            name = ports[int(target["scrapeUrl"].split(":")[2].split("/")[0])]
            if name == "good":
                self.assertEqual((target["health"], target["lastError"]), ("up", ""))
                continue
            self.assertEqual(target["health"], "down", name)
            self.assertTrue(target["lastError"], name)
            self.assertIn(HOSTILE[name][1], target["lastError"], name)
        self.assertEqual(sum(server.instant("up").values()), 1)
        self.assertEqual(len(server.instant('{job="test", __name__!~"up|scrape_.*"}')), 1)

    def test_odd_but_legal_pages_are_taken(self):
        for name, (answer, values) in GOOD.items():
            with self.subTest(name):
                server, _ = self.start_against({name: answer})
                got = support.wait_for(lambda s=server: s.instant("good_metric"), what=name)
                self.assertEqual(set(got.values()), values)


if __name__ == "__main__":
    support.main()
