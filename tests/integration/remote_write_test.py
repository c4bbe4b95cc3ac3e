"""A real Prometheus scrapes a real node exporter and writes what it has to Barograph: the same
questions then get the same answers from both, to the last bit."""

import sys
import time
import unittest

import support

NODE_EXPORTER = support.peer("prometheus-node-exporter")
PROMETHEUS = support.peer("prometheus")

QUERIES = [
    "up",
    "count({__name__!=''})",
    "sum by (mode) (node_cpu_seconds_total)",
    "rate(node_cpu_seconds_total[5s])",
    "node_memory_MemTotal_bytes",
    "count_over_time(scrape_duration_seconds[5s])",
    "quantile by (instance) (0.5, node_scrape_collector_duration_seconds)",
]


class RemoteWrite(support.Case):
    @classmethod
    def setUpClass(cls):
        if not NODE_EXPORTER or not PROMETHEUS:
            print("needs prometheus and prometheus-node-exporter")
            sys.exit(77)

    def setUp(self):
        super().setUp()
        empty = self.file("empty.yml", "global: {scrape_interval: 1h}\n")
        self.ours = self.barograph(f"--config.file={empty}", "--web.enable-remote-write-receiver")
        _, exporter_port = self.node_exporter(NODE_EXPORTER)
        config = self.file("sender.yml", support.scrape_config(exporter_port) + f"""
remote_write:
- url: http://127.0.0.1:{self.ours.port}/api/v1/write
  queue_config: {{batch_send_deadline: 100ms}}
""")
        self.theirs = self.prometheus(config, PROMETHEUS)
        for server in (self.theirs, self.ours):
            support.wait_for(
                lambda s=server: max(s.instant("count_over_time(up[1m])").values(), default=0) >= 14,
                what="14 scrapes")

    def test_answers_equal_those_of_the_sender(self):
        then = round(time.time(), 3) - 1
        sent = support.wait_for(lambda: self.ours.instant(f"timestamp(up) > {then}"),
                                what="all samples until then")
        self.assertEqual(len(sent), 1)
        for expression in QUERIES:
            ours = self.ours.instant(expression, time=then)
            self.assertTrue(ours, expression)
            self.assertEqual(ours, self.theirs.instant(expression, time=then), expression)
            self.assertEqual(self.ours.range(expression, then - 3, then, 0.5),
                             self.theirs.range(expression, then - 3, then, 0.5), expression)


class Disabled(support.Case):
    def test_a_disabled_receiver_is_not_found(self):
        server = self.barograph()
        status, _, body = server.request("/api/v1/write", "POST", b"")
        self.assertEqual(status, 404)
        self.assertIn(b"--web.enable-remote-write-receiver", body)


if __name__ == "__main__":
    unittest.main()
