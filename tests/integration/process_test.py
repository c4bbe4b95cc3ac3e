"""The program as a person runs it: flags, files, signals, verbs, restarts."""

import gzip
import json
import pathlib
import re
import time

import support


class Serving(support.Case):
    def test_without_a_configuration_it_scrapes_itself(self):
        server = self.barograph()
        up = support.wait_for(lambda: server.instant("up"), what="a first scrape")
        self.assertIn(1.0, up.values())
        self.assertIn(f"http://127.0.0.1:{server.port}", server.output())
        status, headers, body = server.request("/")
        self.assertEqual((status, headers["Location"]), (302, "/query"))
        status, _, body = server.request("/query")
        self.assertEqual(status, 200)
        self.assertIn(b"Barograph", body)

    def test_own_metrics_carry_the_names_of_prometheus(self):
        server = self.barograph()
        support.wait_for(lambda: server.instant("count_over_time(up[1m]) > 1"), what="two scrapes")
        _, _, body = server.request("/metrics")
        names = set(re.findall(r"^([a-z_]+)", body.decode(), re.M))
        for name in ("prometheus_build_info", "prometheus_tsdb_head_series",
                     "prometheus_tsdb_head_samples_appended_total",
                     "prometheus_target_interval_length_seconds", "process_cpu_seconds_total",
                     "prometheus_config_last_reload_successful", "prometheus_http_requests_total"):
            self.assertIn(name, names)

    def test_answers_are_gzipped_on_request_and_forms_are_posted(self):
        server = self.barograph()
        support.wait_for(lambda: server.instant("up"), what="a first scrape")
        _, headers, body = server.request("/metrics", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertIn(b"prometheus_build_info", gzip.decompress(body))
        _, _, body = server.request("/api/v1/query", "POST", "query=1%2B1&time=0",
                                    {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(json.loads(body)["data"], {"resultType": "scalar", "result": [0, "2"]})

    def test_errors_have_the_envelope_and_status_of_prometheus(self):
        server = self.barograph()
        for path, expected, kind, text in (
                ("query?query=sum(", 400, "bad_data", 'invalid parameter "query": 1:5: parse error'),
                ("query?query=up&time=x", 400, "bad_data", 'invalid parameter "time"'),
                ("query_range?query=up&start=1&end=0&step=1", 400, "bad_data", "end timestamp"),
                ("query_range?query=up&start=0&end=100000&step=1", 400, "bad_data", "11,000 points"),
                ("series", 400, "bad_data", "match[]"),
                ("nothing", 404, None, None)):
            status, _, body = server.request(f"/api/v1/{path}")
            self.assertEqual(status, expected, path)
            if expected == 404:
                continue
            answer = json.loads(body)
            self.assertEqual((answer["status"], answer["errorType"]), ("error", kind))
            self.assertIn(text, answer["error"])

    def test_lifecycle_calls_need_their_flag(self):
        server = self.barograph()
        self.assertEqual(server.request("/-/reload", "POST")[0], 403)
        self.assertEqual(server.request("/-/quit", "POST")[0], 403)
        self.assertEqual(server.request("/-/healthy")[0], 200)
        server.kill()
        server = self.barograph("--web.enable-lifecycle")
        self.assertEqual(server.request("/-/reload", "POST")[0], 200)
        self.assertEqual(server.request("/-/quit", "POST")[0], 200)
        self.assertEqual(server.wait(10), 0)

    def test_a_second_process_is_refused_the_data_folder(self):
        self.barograph()
        second = self.barograph(wait=False)
        self.assertEqual(second.wait(20), 1)
        self.assertIn("lock", second.output())


class Reloading(support.Case):
    def test_a_good_file_is_applied_and_a_bad_one_changes_nothing(self):
        first, second = support.Exporter(self), support.Exporter(self)
        path = self.file("prometheus.yml", support.scrape_config(first.port))
        server = self.barograph(f"--config.file={path}")
        self.file("prometheus.yml", support.scrape_config(first.port, second.port))
        server.signal(support.SIGHUP)
        support.wait_for(lambda: len(server.api("targets")["activeTargets"]) == 2,
                         what="two targets")
        self.file("prometheus.yml", "global:\n  scrape_intervall: 3s\n")
        server.signal(support.SIGHUP)
        support.wait_for(lambda: "scrape_intervall" in server.output(), what="a message")
        self.assertRegex(server.output(), r"prometheus\.yml.*2:3|line 2.*column 3")
        self.assertEqual(len(server.api("targets")["activeTargets"]), 2)
        metrics = server.request("/metrics")[2].decode()
        self.assertIn("prometheus_config_last_reload_successful 0", metrics)

    def test_series_of_a_removed_target_go_stale(self):
        first, second = support.Exporter(self), support.Exporter(self, "b_metric 1\n")
        path = self.file("prometheus.yml", support.scrape_config(first.port, second.port))
        server = self.barograph(f"--config.file={path}")
        support.wait_for(lambda: server.instant("b_metric"), what="b_metric")
        self.file("prometheus.yml", support.scrape_config(first.port))
        server.signal(support.SIGHUP)
        support.wait_for(lambda: not server.instant("b_metric"), what="staleness")
        self.assertTrue(server.instant("a_metric"))

    def test_file_discovery_follows_its_files(self):
        first, second = support.Exporter(self), support.Exporter(self)
        targets = self.file("targets.json", json.dumps(
            [{"targets": [f"127.0.0.1:{first.port}"], "labels": {"env": "x"}}]))
        config = self.file("prometheus.yml", """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: files
    file_sd_configs: [{files: ['*.json']}]
""")
        server = self.barograph(f"--config.file={config}")
        up = support.wait_for(lambda: server.instant("up"), what="a scrape")
        self.assertEqual([support.plain(s)["env"] for s in up], ["x"])
        pathlib.Path(targets).write_text(json.dumps(
            [{"targets": [f"127.0.0.1:{e.port}"]} for e in (first, second)]))
        support.wait_for(lambda: len(server.api("targets")["activeTargets"]) == 2,
                         what="two targets")


class Stopping(support.Case):
    def test_sigterm_stops_within_two_seconds_and_loses_nothing(self):
        exporter = support.Exporter(self)
        config = self.file("prometheus.yml", support.scrape_config(exporter.port))
        server = self.barograph(f"--config.file={config}")
        support.wait_for(lambda: server.instant("count_over_time(a_metric[1m])"), what="samples")
        now = time.time()
        before = server.range("a_metric", now - 60, now, 1)
        asked = time.monotonic()
        server.signal(support.SIGTERM)
        self.assertEqual(server.wait(10), 0, server.output())
        self.assertLess(time.monotonic() - asked, 2)
        again = self.barograph(f"--config.file={config}")
        self.assertEqual(again.range("a_metric", now - 60, now, 1), before)

    def test_what_was_seen_before_kill_9_is_there_after_it(self):
        exporters = [support.Exporter(self, "".join(f"m{i} {i}.5\n" for i in range(200)))
                     for _ in range(4)]
        config = self.file("prometheus.yml", support.scrape_config(
            *(e.port for e in exporters), interval="100ms"))
        for life in range(4):
            server = self.barograph(f"--config.file={config}")
            support.wait_for(lambda: len(server.instant("m7")) == 4, what="samples")
            time.sleep(0.3 + 0.17 * life)
            end = round(time.time(), 3)
            raw = server.api("query", query='{__name__=~"m.*"}[1m]', time=end)["result"]
            server.signal(support.SIGKILL)
            server.wait(10)
            server = self.barograph(f"--config.file={config}")
            after = {support.key(s["metric"]): set(map(tuple, s["values"])) for s in
                     server.api("query", query='{__name__=~"m.*"}[1m]', time=end)["result"]}
            self.assertEqual(len(raw), 800)
            for series in raw:
                lost = set(map(tuple, series["values"])) - after[support.key(series["metric"])]
                self.assertFalse(lost, f"{series['metric']}: {sorted(lost)[:3]}")
            server.signal(support.SIGKILL)
            server.wait(10)


class Verbs(support.Case):
    def test_version_and_help(self):
        code, text = self.run_barograph("--version")
        self.assertEqual(code, 0)
        self.assertIn("barograph, version ", text)
        code, text = self.run_barograph("--help")
        self.assertEqual(code, 0)
        for flag in ("--config.file", "--storage.tsdb.path", "--web.listen-address",
                     "--query.max-samples", "--log.level"):
            self.assertIn(flag, text)

    def test_an_unknown_flag_or_verb_is_named(self):
        code, text = self.run_barograph("--web.listen-adress=x")
        self.assertNotEqual(code, 0)
        self.assertIn("web.listen-adress", text)
        code, text = self.run_barograph("bogus")
        self.assertNotEqual(code, 0)
        self.assertIn("bogus", text)

    def test_check_config_says_where_a_file_is_wrong(self):
        good = self.file("good.yml", support.scrape_config(1))
        bad = self.file("bad.yml", "scrape_configs:\n  - job_nam: x\n")
        self.assertEqual(self.run_barograph("check", "config", good)[0], 0)
        code, text = self.run_barograph("check", "config", bad)
        self.assertEqual(code, 1)
        self.assertIn("job_nam", text)
        self.assertRegex(text, "2:5|line 2")

    def test_a_bad_configuration_ends_the_start(self):
        bad = self.file("bad.yml", "global: {scrape_interval: fast}\n")
        code, text = self.run_barograph(f"--config.file={bad}",
                                        "--web.listen-address=127.0.0.1:0")
        self.assertEqual(code, 2)
        self.assertIn("not a valid duration", text)

    def test_query_instant(self):
        server = self.barograph()
        code, text = self.run_barograph("query", "instant", f"http://127.0.0.1:{server.port}",
                                        "1+1")
        self.assertEqual(code, 0)
        self.assertIn("2", text)
        code, text = self.run_barograph("query", "instant", f"http://127.0.0.1:{server.port}",
                                        "sum(")
        self.assertEqual(code, 1)
        self.assertIn("parse error", text)

    def test_a_query_script_runs_on_the_real_storage(self):
        good = self.file("good.test", "load 1m\n  a 0+1x10\n\neval instant at 5m a\n  a 5\n")
        bad = self.file("bad.test", "load 1m\n  a 0+1x10\n\neval instant at 5m a\n  a 6\n")
        code, text = self.run_barograph("test", "promql", good)
        self.assertEqual((code, text.splitlines()[-1]), (0, "1 passed, 0 failed"))
        code, text = self.run_barograph("test", "promql", bad)
        self.assertEqual((code, text.splitlines()[-1]), (1, "0 passed, 1 failed"))
        self.assertIn("bad.test:4", text)


if __name__ == "__main__":
    support.main()
