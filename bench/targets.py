"""Many targets on loopback, in a process of their own, which remember what they served to whom.

Every server scrapes /metrics?server=NAME, so that each gets all pages of a target in order, whatever
the others do. What was served is the truth that a server's answers are compared with."""

import asyncio
import bisect
import collections
import multiprocessing
import pathlib
import re
import resource
import signal
import time

import pages

PAGES_KEPT = 3
SERVER = re.compile(rb"[?&]server=([\w-]+)")

Served = collections.namedtuple("Served", "at clock")


class _Target:
    """Answers every request with the page that comes next for who asks."""

    def __init__(self, page):
        self.page = page
        self.kept = {}  # number: (clock, answer)
        self.newest = -1
        self.at = {}  # server: number of the page that it got last
        self.served = collections.defaultdict(list)

    def connection(self):
        return _Connection(self)

    def answer(self, server):
        number = max(self.at.get(server, -1) + 1, self.newest - PAGES_KEPT + 1)
        if number > self.newest:
            self.newest = number
            self.kept[number] = self._make()
            self.kept.pop(number - PAGES_KEPT, None)
        self.at[server] = number
        clock, answer = self.kept[number]
        self.served[server].append(Served(time.time(), clock))
        return answer

    def _make(self):
        text = self.page.next()
        head = ("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                f"Content-Length: {len(text)}\r\n\r\n")
        return self.page.clock, head.encode() + text


class _Connection(asyncio.Protocol):
    def __init__(self, target):
        self.target = target
        self.transport = None
        self.request = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.request += data
        if self.request.endswith(b"\r\n\r\n"):
            server = SERVER.search(self.request)
            self.transport.write(self.target.answer(server[1].decode() if server else ""))
            self.request = b""


async def _serve(learned, count, lines, interval, pipe):
    loop = asyncio.get_running_loop()
    targets, listeners = {}, []
    for machine in range(count):
        target = _Target(pages.Page(learned, machine, lines, interval))
        listener = await loop.create_server(target.connection, "127.0.0.1", 0)
        listeners.append(listener)
        targets[listener.sockets[0].getsockname()[1]] = target
    names = {name for name, _ in pages.Page(learned, 0, lines, interval).series()}
    pipe.send((list(targets), sorted(names)))
    ended = asyncio.Event()

    def tell():
        server = pipe.recv()
        if server is None:
            ended.set()
        else:
            pipe.send({port: target.served[server] for port, target in targets.items()})

    loop.add_reader(pipe.fileno(), tell)
    await ended.wait()


def _run(*arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    asyncio.run(_serve(*arguments))


class Targets:
    """`count` targets of `lines` series each, scraped every `interval` seconds."""

    def __init__(self, folder, count, lines, interval):
        self.folder = pathlib.Path(folder)
        self.lines = lines
        self.interval = interval
        learned = pages.learn(pages.real_pages(folder))
        self.real_lines = min(len(learned), lines)
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_run, daemon=True,
                                               args=(learned, count, lines, interval, other))
        self.process.start()
        self.ports, self.names = self.pipe.recv()

    @property
    def series(self):
        return len(self.ports) * self.lines

    def config(self, server):
        """The scrape configuration for one server; the path of its file."""
        path = self.folder / f"{server}.yml"
        targets = "".join(f"    - 127.0.0.1:{port}\n" for port in self.ports)
        path.write_text(f"global: {{scrape_interval: {self.interval:g}s, "
                        f"scrape_timeout: {self.interval:g}s}}\n"
                        f"scrape_configs:\n- job_name: bench\n  params: {{server: [{server}]}}\n"
                        f"  static_configs:\n  - targets:\n{targets}")
        return path

    def served(self, server):
        """{port: [Served]} in order of time."""
        self.pipe.send(server)
        return self.pipe.recv()

    def samples_served(self, server, until=float("inf")):
        return self.lines * sum(bisect.bisect_left(pages, until, key=lambda page: page.at)
                                for pages in self.served(server).values())

    def stop(self):
        self.pipe.send(None)
        self.process.join(10)
        self.process.kill()
