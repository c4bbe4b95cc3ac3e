"""Blocks as a person sees them who runs the program: the windows are seconds in place of hours."""

import re
import time

import support

EVERYTHING = '{job="test"}[1h]'
FLAGS = ("--storage.tsdb.min-block-duration=2s", "--storage.tsdb.block-reload-interval=200ms")


class Blocks(support.Case):
    def setUp(self):
        super().setUp()
        self.exporters = [support.Exporter(self) for _ in range(2)]
        self.count = 0
        self.config = self.file("prometheus.yml", support.scrape_config(
            *(e.port for e in self.exporters), interval="100ms"))

    def serve(self, *flags):
        return self.barograph(f"--config.file={self.config}", *FLAGS, *flags)

    def metric(self, server, name):
        """One of the server's own; the targets' values change meanwhile."""
        self.count += 1
        for exporter in self.exporters:
            exporter.page = "".join(f"m{i} {i}.5\n" for i in range(50)) + f"c {self.count}\n"
        text = server.request("/metrics")[2].decode()
        return float(re.search(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M)[1])

    def until(self, server, name, least):
        support.wait_for(lambda: self.metric(server, name) >= least, what=f"{name} >= {least}")

    def everything(self, server, end):
        """All samples of the targets until then."""
        return {support.key(series["metric"]): dict(series["values"])
                for series in server.api("query", query=EVERYTHING, time=end)["result"]}

    def check_holds(self, server, end, expected):
        self.assertTrue(expected)
        found = self.everything(server, end)
        self.assertEqual(found.keys(), expected.keys())
        for series, samples in expected.items():
            self.assertEqual(found[series], samples, series)

    def test_what_moves_to_blocks_stays_as_it_was_through_merges_a_stop_and_a_kill(self):
        server = self.serve("--storage.tsdb.max-block-duration=18s")
        self.until(server, "prometheus_tsdb_head_samples_appended_total", 1500)
        early = round(time.time(), 3) - 1
        in_head = self.everything(server, early)
        self.until(server, "prometheus_tsdb_compactions_total", 1)
        self.until(server, "prometheus_tsdb_head_min_time", early * 1000)
        self.check_holds(server, early, in_head)

        now = round(time.time(), 3) - 1
        before = self.everything(server, now)
        asked = time.monotonic()
        server.signal(support.SIGTERM)
        self.assertEqual(server.wait(10), 0, server.output())
        self.assertLess(time.monotonic() - asked, 2)
        server = self.serve("--storage.tsdb.max-block-duration=18s")
        self.check_holds(server, now, before)

        self.until(server, "prometheus_tsdb_head_truncations_total", 1)
        now = round(time.time(), 3) - 1
        before = self.everything(server, now)
        server.signal(support.SIGKILL)
        server.wait(10)
        server = self.serve("--storage.tsdb.max-block-duration=18s")
        self.check_holds(server, now, before)
        self.assertEqual(self.metric(server, "barograph_tsdb_blocks_damaged"), 0)

    def test_the_retention_removes_blocks_and_a_deletion_outlives_a_kill(self):
        server = self.serve("--storage.tsdb.retention.time=4s", "--web.enable-admin-api")
        self.until(server, "prometheus_tsdb_blocks_loaded", 1)
        status, _, _ = server.request(
            "/api/v1/admin/tsdb/delete_series?match[]=m7", "POST")
        self.assertEqual(status, 204)
        deleted = time.time()
        server.signal(support.SIGKILL)
        server.wait(10)
        server = self.serve("--storage.tsdb.retention.time=4s")
        times = [float(t) for series, samples in self.everything(server, time.time()).items()
                 if support.plain(series)["__name__"] == "m7" for t in samples]
        self.assertEqual([t for t in times if t < deleted - 1], [])
        self.until(server, "prometheus_tsdb_time_retentions_total", 1)
        now = time.time()
        oldest = min(t for samples in self.everything(server, now).values() for t in samples)
        self.assertGreater(oldest, now - 10)


if __name__ == "__main__":
    support.main()
