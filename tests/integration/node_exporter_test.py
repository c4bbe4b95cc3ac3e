"""Barograph and the real Prometheus scrape the same real node exporter: the same questions get the
same answers, as far as two scrapers can agree."""

import math
import sys
import time
import unittest

import support

NODE_EXPORTER = support.peer("prometheus-node-exporter")
PROMETHEUS = support.peer("prometheus")

# Values that do not move between two scrapes: equal to the last bit.
EXACT = [
    "up",
    "scrape_samples_scraped",
    "count(node_cpu_seconds_total)",
    "count by (mode) (node_cpu_seconds_total)",
    "node_memory_MemTotal_bytes / 1024",
    'node_uname_info * on (instance) group_left () (up == bool 1)',
    'count by (__name__) ({__name__=~"node_(cpu|memory)_.+"})',
    "changes(node_boot_time_seconds[10s])",
    'label_replace(up, "host", "$1", "instance", "([^:]+):.*")',
    "topk(2, node_cpu_scaling_frequency_max_hertz) or node_boot_time_seconds",
    "absent(nonexistent_metric)",
    "max by (job) (up) + on (job) group_right () node_boot_time_seconds",
]

# Values that move: within a relative tolerance, or an absolute one near zero.
CLOSE = [
    ("sum by (instance) (rate(node_cpu_seconds_total[10s]))", 0.25),
    ("avg_over_time(node_memory_MemTotal_bytes[5s])", 0),
    ("node_time_seconds", 1e-8),
    ("max_over_time(node_filesystem_size_bytes[10s])", 0),
    ("quantile by (instance) (0.5, node_memory_MemTotal_bytes)", 0),
    ("increase(node_time_seconds[10s])", 0.15),
    ("sum without (cpu, mode) (node_cpu_seconds_total)", 0.01),
]


class NodeExporter(support.Case):
    @classmethod
    def setUpClass(cls):
        if not NODE_EXPORTER or not PROMETHEUS:
            print("needs prometheus and prometheus-node-exporter")
            sys.exit(77)

    def setUp(self):
        super().setUp()
        self.exporter, port = self.node_exporter(NODE_EXPORTER)
        config = self.file("prometheus.yml", support.scrape_config(port))
        self.ours = self.barograph(f"--config.file={config}")
        self.theirs = self.prometheus(config, PROMETHEUS)
        for server in (self.ours, self.theirs):
            support.wait_for(
                lambda s=server: max(s.instant("count_over_time(up[1m])").values(), default=0) >= 14,
                what="14 scrapes")

    def same_series(self, ours, theirs, expression):
        self.assertEqual(sorted(ours), sorted(theirs), expression)

    def test_answers_equal_those_of_prometheus(self):
        now = round(time.time(), 3) - 0.5
        for expression in EXACT:
            ours = self.ours.instant(expression, time=now)
            theirs = self.theirs.instant(expression, time=now)
            self.same_series(ours, theirs, expression)
            self.assertEqual(ours, theirs, expression)
            self.assertTrue(ours, expression)
        for expression, tolerance in CLOSE:
            ours = self.ours.instant(expression, time=now)
            theirs = self.theirs.instant(expression, time=now)
            self.same_series(ours, theirs, expression)
            self.assertTrue(ours, expression)
            for series, value in ours.items():
                self.assertTrue(math.isclose(value, theirs[series], rel_tol=tolerance,
                                             abs_tol=1e-9),
                                f"{expression} {series}: {value} is not {theirs[series]}")

        start, end = now - 8, now
        ours = self.ours.range("node_boot_time_seconds", start, end, 1)
        theirs = self.theirs.range("node_boot_time_seconds", start, end, 1)
        self.assertEqual(ours, theirs)

        for path in ("labels", "label/mode/values", "label/__name__/values"):
            match = {"match[]": 'node_cpu_seconds_total'} if path != "labels" else \
                {"match[]": '{job="test"}'}
            self.assertEqual(self.ours.api(path, **match), self.theirs.api(path, **match), path)
        selector = {"match[]": "node_cpu_seconds_total"}
        self.assertEqual(sorted(map(support.key, self.ours.api("series", **selector))),
                         sorted(map(support.key, self.theirs.api("series", **selector))))

        rate = self.ours.instant('rate(node_cpu_seconds_total{mode="idle"}[10s])')
        self.assertTrue(rate)
        self.assertTrue(all(0 <= value <= 1.2 for value in rate.values()), rate)

        target, = self.ours.api("targets")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))
        metadata = self.ours.api("metadata", metric="node_cpu_seconds_total")
        self.assertEqual(metadata["node_cpu_seconds_total"][0]["type"], "counter")

    def test_the_status_of_the_storage_counts_the_same_series(self):
        ours, theirs = (server.api("status/tsdb", limit=10000)
                        for server in (self.ours, self.theirs))
        self.assertEqual(set(ours) - set(theirs), {"limits"})
        self.assertEqual(set(theirs) - set(ours), set())
        self.assertEqual(ours["headStats"].keys(), theirs["headStats"].keys())
        for count in ("numSeries", "numLabelPairs"):
            self.assertEqual(ours["headStats"][count], theirs["headStats"][count], count)
        for counts in ("seriesCountByMetricName", "labelValueCountByLabelName",
                       "seriesCountByLabelValuePair"):
            largest = [[(row["name"], row["value"]) for row in answer[counts]]
                       for answer in (ours, theirs)]
            # 2.42 has no limit parameter, and ties in any order.
            self.assertEqual([value for _, value in largest[0][:10]],
                             [value for _, value in largest[1][:10]], counts)
            self.assertLessEqual(set(largest[1]), set(largest[0]), counts)
        (job,) = ours["limits"]["jobs"]
        self.assertEqual((job["seriesLimit"], job["seriesRefused"]), (0, 0))
        self.assertGreater(job["series"], 100)

    def test_a_query_is_formatted_the_same(self):
        for query in ("sum by(a)(rate(x{b!~'c'}[5m:1m]offset 1h))>bool 2", "- a ^ -2", "x@end()",
                      "sum(node_cpu_seconds_total{mode=\"idle\",cpu=~\"0|1\"}) without (cpu, mode) "
                      "/ on(instance) group_left(job) (node_memory_MemTotal_bytes + node_load1)",
                      "label_replace(up,'a','$1','b','(.*)')", "topk(3,a)or b unless ignoring(c)d",
                      "histogram_quantile(0.9, sum by(le, instance) (rate(some_bucket[5m])))",
                      "1.0", "Inf", "a[1d2h]", "sum_over_time(a[90s] @ 1.5)"):
            self.assertEqual(self.ours.api("format_query", query=query),
                             self.theirs.api("format_query", query=query), query)

    def test_series_go_stale_when_the_exporter_ends(self):
        self.assertTrue(self.ours.instant("node_load1"))
        self.exporter.kill()
        support.wait_for(lambda: list(self.ours.instant("up").values()) == [0], what="up 0")
        self.assertEqual(self.ours.instant("node_load1"), {})
        self.assertTrue(self.ours.instant("last_over_time(node_load1[1m])"))
        target, = self.ours.api("targets")["activeTargets"]
        self.assertEqual(target["health"], "down")
        self.assertIn("connection refused", target["lastError"])


if __name__ == "__main__":
    support.main()
