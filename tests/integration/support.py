"""Starts the real programs on free loopback ports and asks them over HTTP. Everything waits with a
bound, and ends only what it started."""

import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

BAROGRAPH = os.environ["BAROGRAPH"]
PEERS = os.environ.get("BAROGRAPH_PEERS", "")


def peer(name):
    """The path of a program to compare with, or None where it is not installed."""
    found = shutil.which(name, path=f"{PEERS}{os.pathsep}{os.environ['PATH']}")
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, seconds=30, what="condition"):
    """Calls `condition` until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
            if value:
                return value
            problem = f"last value: {value!r}"
        except (OSError, http.client.HTTPException, ApiError) as error:
            problem = f"last error: {error}"
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s; {problem}")
        time.sleep(0.05)


class ApiError(Exception):
    pass


class Process:
    """A child process with its output in a file."""

    def __init__(self, arguments, directory):
        self.log_path = pathlib.Path(directory) / f"log-{time.monotonic_ns()}"
        self.log = self.log_path.open("wb")
        self.child = subprocess.Popen(arguments, cwd=directory, stdin=subprocess.DEVNULL,
                                      stdout=self.log, stderr=subprocess.STDOUT)

    def output(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, seconds):
        return self.child.wait(seconds)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(30)
        self.log.close()


class Server(Process):
    """A process that answers the Prometheus HTTP API."""

    def __init__(self, arguments, directory, port):
        self.port = port
        super().__init__(arguments, directory)

    def request(self, path, method="GET", body=None, headers=None):
        """Status, headers and body of one exchange."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def api(self, path, **parameters):
        """The `data` of an API answer; ApiError when it is an error."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        _, _, body = self.request(f"/api/v1/{path}?{query}")
        answer = json.loads(body)
        if answer["status"] != "success":
            raise ApiError(f"{answer['errorType']}: {answer['error']}")
        return answer["data"]

    def instant(self, expression, **parameters):
        """An instant vector as {labels: value}; a scalar as a number."""
        data = self.api("query", query=expression, **parameters)
        if data["resultType"] == "scalar":
            return float(data["result"][1])
        return {key(series["metric"]): float(series["value"][1]) for series in data["result"]}

    def range(self, expression, start, end, step):
        """A matrix as {labels: {time: value}}."""
        data = self.api("query_range", query=expression, start=start, end=end, step=step)
        return {key(series["metric"]): {t: float(v) for t, v in series["values"]}
                for series in data["result"]}

    def wait_ready(self):
        def ready():
            if self.child.poll() is not None:
                raise AssertionError(f"ended with {self.child.returncode}:\n{self.output()}")
            return self.request("/-/ready")[0] == 200
        wait_for(ready, what="readiness")
        return self


def key(metric):
    return tuple(sorted(metric.items()))


def plain(series):
    """The labels as a dictionary, from key()."""
    return dict(series)


class Case(unittest.TestCase):
    """A test with a folder of its own, whose processes end with it."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="barograph-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def file(self, name, text):
        path = pathlib.Path(self.directory) / name
        path.write_text(text)
        return str(path)

    def start(self, arguments):
        process = Process(arguments, self.directory)
        self.addCleanup(process.kill)
        return process

    def barograph(self, *arguments, port=None, wait=True):
        port = port or free_port()
        server = Server([BAROGRAPH, f"--web.listen-address=127.0.0.1:{port}", *arguments],
                        self.directory, port)
        self.addCleanup(server.kill)
        return server.wait_ready() if wait else server

    def prometheus(self, config, program, *arguments):
        port = free_port()
        server = Server([program, f"--config.file={config}",
                         f"--web.listen-address=127.0.0.1:{port}",
                         f"--storage.tsdb.path={self.directory}/prometheus-data",
                         "--web.console.templates=", "--web.console.libraries=", *arguments],
                        self.directory, port)
        self.addCleanup(server.kill)
        return server.wait_ready()

    def node_exporter(self, program):
        port = free_port()
        process = self.start([program, f"--web.listen-address=127.0.0.1:{port}"])
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True,
                 what="node exporter")
        return process, port

    def run_barograph(self, *arguments):
        """Runs a verb to its end: exit code and all output."""
        run = subprocess.run([BAROGRAPH, *arguments], cwd=self.directory, timeout=60,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        return run.returncode, run.stdout


class Exporter:
    """A target whose page a test sets. Pages are served from a thread."""

    def __init__(self, case, page="a_metric 1\n", content_type="text/plain; version=0.0.4"):
        self.page = page
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = exporter.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a scraper that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)


def scrape_config(*ports, interval="1s", extra=""):
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
    return f"""
global:
  scrape_interval: {interval}
  scrape_timeout: {interval}
scrape_configs:
  - job_name: test
{extra}
    static_configs:
      - targets: [{targets}]
"""


SIGHUP, SIGTERM, SIGKILL = signal.SIGHUP, signal.SIGTERM, signal.SIGKILL
main = unittest.main
