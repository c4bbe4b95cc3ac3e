"""The servers that are compared: started on free loopback ports with folders of their own, asked over
HTTP, and read through /proc. Only what was started here is ever ended."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

import write_request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "build/peers/usr/bin"
BINARIES = {
    "barograph": ROOT / "build/release/barograph",
    "prometheus": PEERS / "prometheus",
    "victoria-metrics": PEERS / "victoria-metrics",
}
LONGEST_WAIT = 300  # seconds
QUIET = 80  # seconds without a change: Prometheus and Barograph look each minute what is to be done


def add_arguments(parser):
    """Options that say where the servers are: `binaries` reads them."""
    for name, path in BINARIES.items():
        parser.add_argument("--" + name, default=str(path), metavar="BINARY",
                            help=f"an empty one leaves it out; {path.relative_to(ROOT)} if not given")


def binaries(options):
    """{name: path} of the servers to compare."""
    found = {}
    for name in BINARIES:
        path = getattr(options, name.replace("-", "_"))
        if path and not os.access(path, os.X_OK):
            print(f"without {name}: there is no {path}", file=sys.stderr)
        elif path:
            found[name] = path
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=LONGEST_WAIT, pause=0.1):
    """Calls `condition` until it gives something true, and returns that; a refused connection is
    something false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(pause)
    raise SystemExit(f"not within {seconds} seconds: {what}")


class Process:
    """A child with its output in a file of `folder`."""

    def __init__(self, name, folder, command):
        self.name = name
        self.log = pathlib.Path(folder, name + ".log")
        self.command = command
        self.child = None

    def spawn(self):
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=subprocess.STDOUT)

    def check_alive(self):
        if self.child.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self.child.returncode}:\n"
                             f"{self.log.read_text(errors='replace')[-2000:]}")

    def kill(self):
        """As the kernel does when memory is short."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def stop(self):
        """Asks it to end; seconds that it took."""
        begin = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(LONGEST_WAIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SystemExit(f"{self.name} does not stop")
        return time.monotonic() - begin

    def _proc(self, file):
        return pathlib.Path(f"/proc/{self.child.pid}/{file}").read_text()

    def _proc_field(self, file, field):
        for line in self._proc(file).splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise KeyError(field)

    def cpu_seconds(self):
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self, part="VmRSS"):
        """All, or a part: RssAnon, RssFile, RssShmem."""
        return self._proc_field("status", part) * 1024

    def written_bytes(self):
        """What it caused to be written to the disk. Counted when a page becomes dirty, and less what
        was never written because the file was removed before."""
        return self._proc_field("io", "write_bytes") - self._proc_field("io",
                                                                        "cancelled_write_bytes")


class Server(Process):
    """One of the servers under test."""

    def __init__(self, name, binary, folder, config=None, arguments=(), instance="data"):
        """`config`: a scrape configuration; `arguments`: more of the command line; `instance`: tells
        it from another of the same name in the folder."""
        self.port = free_port()
        self.data = pathlib.Path(folder, f"{name}-{instance}")
        if name == "victoria-metrics":
            command = self._victoria_metrics(config)
        else:
            if config is None:
                config = pathlib.Path(folder, "empty.yml")
                config.touch()
            command = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
                       f"--storage.tsdb.path={self.data}", "--web.enable-remote-write-receiver"]
        super().__init__(name, folder, [str(binary), *command, *arguments])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_WAIT)

    def _victoria_metrics(self, config):
        # Without an offset the newest samples are seen as by the others; the limits are lifted.
        command = [f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.data}",
                   "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=100000000",
                   f"-search.maxQueryDuration={LONGEST_WAIT}s"]
        return command + [f"-promscrape.config={config}"] * (config is not None)

    def start(self):
        """Starts it, and waits until it is ready."""
        self.spawn()
        path = "/health" if self.name == "victoria-metrics" else "/-/ready"

        def ready():
            self.check_alive()
            return self.get(path)[0] == 200

        wait_until(ready, f"{self.name} is ready: see {self.log}")

    def get(self, path):
        try:
            return self.request("GET", path)
        except (http.client.RemoteDisconnected, ConnectionResetError):  # it was idle for too long
            return self.request("GET", path)

    def request(self, method, path, body=None, headers=None):
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next one opens it again
            raise

    def write(self, body):
        """Remote write; returns when it is acknowledged."""
        status, text = self.request("POST", "/api/v1/write", body, write_request.HEADERS)
        if status not in (200, 204):
            raise SystemExit(f"{self.name} refuses remote write: {status} {text[:300]}")

    def query(self, expression, at):
        """The instant vector at a time, as {labels: value}; None while it cannot answer."""
        form = {"query": expression, "time": f"{at:.3f}", "nocache": 1, "timeout": f"{LONGEST_WAIT}s"}
        status, body = self.get("/api/v1/query?" + urllib.parse.urlencode(form))
        if status == 503:
            return None
        if status != 200:
            raise SystemExit(f"{self.name}: {expression}: {status} {body[:300]}")
        return {tuple(sorted(series["metric"].items())): float(series["value"][1])
                for series in json.loads(body)["data"]["result"]}

    def count(self, names, at, seconds):
        """How many samples series with these names have in so many seconds up to `at`. Asked name by
        name: counts have no names, and are an error where that makes two series one."""
        return sum(int(value) for name in names for value in
                   self.query(f"sum(count_over_time({name}[{int(seconds)}s]))", at).values())

    def disk_bytes(self, *parts):
        """What its folder, or folders in it, take on the disk, less what is only reserved."""
        total = 0
        for part in parts or ("",):
            for folder, _, names in os.walk(self.data / part):
                for name in names:
                    try:
                        status = os.lstat(os.path.join(folder, name))
                        total += min(status.st_blocks * 512, status.st_size)
                    except FileNotFoundError:
                        pass  # removed meanwhile
        return total

    def blocks(self):
        """How many blocks of Prometheus's or of Barograph's there are."""
        return sum(1 for _ in self.data.rglob("meta.json"))

    def block_bytes(self):
        """What samples and what finds them take on the disk, without logs and what is not in blocks
        yet. Of Barograph that is the index of series, too."""
        if self.name == "victoria-metrics":
            return self.disk_bytes("data", "indexdb")
        if self.name == "barograph":
            return self.disk_bytes("blocks", "index")
        return self.disk_bytes(*(meta.parent.name for meta in self.data.glob("*/meta.json")))

    def restart(self, expression, at, answer):
        """Starts it; seconds until it gives this answer."""
        begin = time.monotonic()
        self.spawn()

        def right():
            self.check_alive()
            return self.query(expression, at) == answer

        wait_until(right, f"{self.name} answers {expression} as before", pause=0.005)
        return time.monotonic() - begin


def settle(compared):
    """Lets the servers merge what they want to: returns when they have left their blocks alone for
    long. What they note beside grows always."""
    for server in compared:
        if server.name == "victoria-metrics":
            server.get("/internal/force_flush")
            server.get("/internal/force_merge")

    def state():
        return [(server.blocks(), server.block_bytes() >> 18) for server in compared]

    began = since = time.monotonic()
    last = state()
    while time.monotonic() - since < QUIET:
        if time.monotonic() - began > 2 * LONGEST_WAIT:
            raise SystemExit("the servers do not become quiet")
        time.sleep(2)
        if (now := state()) != last:
            last, since = now, time.monotonic()


def end_all(processes):
    for process in processes:
        process.kill()
