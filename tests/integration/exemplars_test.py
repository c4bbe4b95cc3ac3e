"""Exemplars from a target's page, through storage and remote write, to /api/v1/query_exemplars, with
the answers of a real Prometheus where one is installed."""

import json
import time
import unittest

import support

PROMETHEUS = support.peer("prometheus")
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FEATURE = "--enable-feature=exemplar-storage"

EXPRESSIONS = [
    "seconds_bucket",
    "histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[5m])))",
    "hits_total / seconds_count",
    '{__name__=~".+"}',
    'max_over_time(seconds_bucket{le="1.0"}[1h:1m])',
    "nothing",
    "1 + 1",
    "seconds_bucket{",
]


def page(step, at):
    """The page at the given step: exemplars change, come back, and come late."""
    late = at - 1000 if step % 3 == 2 else at
    return f"""# TYPE seconds histogram
seconds_bucket{{le="0.1"}} {step} # {{trace_id="a{step}",span_id="1"}} 0.05 {at:.3f}
seconds_bucket{{le="1.0"}} {step * 2} # {{trace_id="b{step // 2}"}} 0.5 {late:.3f}
seconds_bucket{{le="+Inf"}} {step * 2} # {{trace_id="{'x' * 130}"}} 2 {at:.3f}
seconds_count {step * 2}
seconds_sum {step}.5
# TYPE hits counter
hits_total {step} # {{trace_id="once"}} 1 {at - at % 1000:.3f}
# EOF
"""


def exemplars(server, query, **parameters):
    data = server.api("query_exemplars", query=query, **parameters)
    return {support.key(one["seriesLabels"]): [e["labels"]["trace_id"] for e in one["exemplars"]]
            for one in data}


class Exemplars(support.Case):
    def setUp(self):
        super().setUp()
        self.exporter = support.Exporter(self, page(0, time.time()), OPEN_METRICS)
        self.config = self.file("scrape.yml", support.scrape_config(self.exporter.port))

    def feed(self, servers):
        """Shows pages, one after the other, each once every server has it."""
        for step in range(1, 6):
            self.exporter.page = page(step, time.time())
            for server in servers:
                support.wait_for(
                    lambda s=server: step in s.instant("hits_total").values(), what="a scrape")

    @unittest.skipUnless(PROMETHEUS, "needs prometheus")
    def test_answers_equal_those_of_prometheus(self):
        ours = self.barograph(f"--config.file={self.config}", "--storage.tsdb.path=ours", FEATURE)
        theirs = self.prometheus(self.config, PROMETHEUS, FEATURE)
        self.feed([ours, theirs])
        now = time.time()
        for expression in EXPRESSIONS:
            for times in ({}, {"start": now - 3, "end": now}, {"start": 0, "end": now - 2},
                          {"start": 2, "end": 1}):
                query = support.urllib.parse.urlencode({"query": expression, **times})
                path = f"/api/v1/query_exemplars?{query}"
                got, wanted = ours.request(path), theirs.request(path)
                self.assertEqual(got[0], wanted[0], path)
                if got[0] == 200:
                    self.assertEqual(json.loads(got[2]), json.loads(wanted[2]), path)
        # The comparison is of something.
        found = exemplars(ours, "seconds_bucket")
        self.assertEqual(len(found), 2)
        self.assertGreaterEqual(sum(map(len, found.values())), 7)

    @unittest.skipUnless(PROMETHEUS, "needs prometheus")
    def test_exemplars_come_by_remote_write(self):
        ours = self.barograph("--storage.tsdb.path=ours", "--web.enable-remote-write-receiver",
                              FEATURE)
        config = self.file("sender.yml", support.scrape_config(self.exporter.port) + f"""
remote_write:
- url: http://127.0.0.1:{ours.port}/api/v1/write
  send_exemplars: true
  queue_config: {{batch_send_deadline: 100ms}}
""")
        theirs = self.prometheus(config, PROMETHEUS, FEATURE)
        self.feed([theirs])
        wanted = theirs.api("query_exemplars", query="seconds_bucket")
        self.assertTrue(wanted)
        support.wait_for(lambda: ours.api("query_exemplars", query="seconds_bucket") == wanted,
                         what="the same exemplars")

    @unittest.skipUnless(PROMETHEUS, "needs prometheus")
    def test_exemplars_of_a_prometheus_that_was_killed_are_imported(self):
        theirs = self.prometheus(self.config, PROMETHEUS, FEATURE)
        self.feed([theirs])
        wanted = theirs.api("query_exemplars", query="seconds_bucket")
        self.assertGreaterEqual(sum(len(one["exemplars"]) for one in wanted), 7)
        theirs.kill()
        code, output = self.run_barograph("tsdb", "import", "--prometheus=prometheus-data",
                                          "--storage.tsdb.path=ours")
        self.assertEqual(code, 0, output)
        self.assertIn(" exemplars of the head\n", output)
        config = self.file("none.yml", "global: {}\n")
        ours = self.barograph(f"--config.file={config}", "--storage.tsdb.path=ours", FEATURE)
        self.assertEqual(ours.api("query_exemplars", query="seconds_bucket"), wanted)

    def test_exemplars_survive_a_kill_and_a_reload_sets_how_many_there_are(self):
        flags = [f"--config.file={self.config}", "--storage.tsdb.path=ours",
                 "--web.enable-lifecycle", FEATURE]
        ours = self.barograph(*flags)
        self.feed([ours])
        before = exemplars(ours, "seconds_bucket")
        self.assertGreaterEqual(sum(map(len, before.values())), 7)
        self.exporter.page = "# EOF\n"
        ours.kill()
        ours = self.barograph(*flags)
        self.assertEqual(exemplars(ours, "seconds_bucket"), before)
        self.assertIn("prometheus_tsdb_exemplar_max_exemplars 100000",
                      ours.request("/metrics")[2].decode())

        for count, kept in ((3, 3), (0, 0)):
            self.file("scrape.yml", support.scrape_config(self.exporter.port) +
                      f"storage: {{exemplars: {{max_exemplars: {count}}}}}\n")
            self.assertEqual(ours.request("/-/reload", "POST")[0], 200)
            self.assertIn(f"prometheus_tsdb_exemplar_max_exemplars {count}\n",
                          ours.request("/metrics")[2].decode())
            self.assertEqual(
                sum(map(len, exemplars(ours, '{__name__=~".+"}').values())), kept)

    def test_without_the_feature_none_are_kept(self):
        ours = self.barograph(f"--config.file={self.config}", "--storage.tsdb.path=ours")
        self.feed([ours])
        self.assertEqual(exemplars(ours, '{__name__=~".+"}'), {})


if __name__ == "__main__":
    unittest.main()
