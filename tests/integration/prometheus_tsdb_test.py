"""Data go from the real Prometheus into Barograph and back: what promtool and Prometheus say of a
data directory, and what Barograph does, is the same."""

import math
import os
import pathlib
import subprocess
import sys

import support

PROMETHEUS = support.peer("prometheus")
PROMTOOL = support.peer("promtool")
WRITE_BLOCK = os.environ.get("WRITE_PROMETHEUS_BLOCK", "")
START = 1_700_000_000


def open_metrics():
    """Counters and a gauge with every odd value, over three hours and a gap."""
    lines = ["# TYPE req counter"]
    for job in range(5):
        for i in list(range(400)) + list(range(600, 720)):
            labels = f'{{job="j{job}",odd="q\\"b\\\\s\\nn"}}'
            lines.append(f"req_total{labels} {i % 333 * (job + 1) + 0.25} {START + 15 * i}.5")
    lines.append("# TYPE temp gauge")
    for i in range(400):
        value = ["NaN", "+Inf", "-Inf", "-0.0", math.sin(i), i, 1e300 / (i + 1)][i % 7]
        lines.append(f'temp{{place="höhle"}} {value} {START + 15 * i}')
    return "\n".join(lines + ["# EOF", ""])


class PrometheusTsdb(support.Case):
    @classmethod
    def setUpClass(cls):
        if not PROMETHEUS or not PROMTOOL:
            print("needs prometheus and promtool")
            sys.exit(77)

    def path(self, name):
        return pathlib.Path(self.directory) / name

    def promtool(self, *arguments):
        run = subprocess.run([PROMTOOL, *arguments], cwd=self.directory, timeout=60,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def promtool_dump(self, directory):
        self.path(directory).joinpath("wal").mkdir(exist_ok=True)  # it wants one
        return self.promtool("tsdb", "dump", directory).splitlines()

    def tsdb(self, *arguments):
        """A verb of ours that must succeed: its output, both kinds."""
        code, output = self.run_barograph("tsdb", *arguments)
        self.assertEqual(code, 0, output)
        return output

    def our_dump(self, directory):
        return self.tsdb("dump", f"--storage.tsdb.path={directory}").splitlines()

    def serve(self, directory):
        config = self.file("empty.yml", "global: {}\n")
        port = support.free_port()
        server = support.Server(
            [PROMETHEUS, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={directory}", "--storage.tsdb.retention.time=100y",
             "--web.console.templates=", "--web.console.libraries="], self.directory, port)
        self.addCleanup(server.kill)
        return server.wait_ready()

    def test_blocks_of_promtool_are_imported_and_exported_without_a_difference(self):
        text = self.file("text", open_metrics())
        self.promtool("tsdb", "create-blocks-from", "openmetrics", text, "theirs")
        dump = self.promtool_dump("theirs")
        self.assertEqual(len(dump), 5 * 520 + 400)

        output = self.tsdb("import", "--prometheus=theirs", "--storage.tsdb.path=ours")
        self.assertIn(f"{len(dump)} samples appended", output)
        self.assertEqual(self.our_dump("ours"), dump)

        self.tsdb("export", "--prometheus=exported", "--storage.tsdb.path=ours")
        self.assertEqual(self.promtool_dump("exported"), dump)
        # It looks at the newest block, which has no gauge.
        self.assertIn("Series: 5", self.promtool("tsdb", "analyze", "exported"))

        self.tsdb("import", text, "--storage.tsdb.path=from-text")
        self.assertEqual(self.our_dump("from-text"), dump)

    def test_a_real_prometheus_serves_exported_blocks(self):
        self.tsdb("import", self.file("text", open_metrics()), "--storage.tsdb.path=ours")
        self.tsdb("export", "--prometheus=exported", "--storage.tsdb.path=ours")
        theirs = self.serve("exported")
        ours = self.barograph("--storage.tsdb.path=ours",
                              f"--config.file={self.file('none.yml', 'global: {}')}")
        for expression in ('req_total', 'rate(req_total{job=~"j[13]"}[5m])', 'temp == temp',
                           'sum by (odd) (req_total)', 'count({__name__!=""})'):
            span = START, START + 15 * 720, 60
            want = theirs.range(expression, *span)
            self.assertTrue(want, expression)
            self.assertEqual(repr(ours.range(expression, *span)), repr(want), expression)
        self.assertEqual(ours.api("labels"), theirs.api("labels"))
        self.assertEqual(theirs.api("label/job/values"), [f"j{job}" for job in range(5)])

    def test_the_head_of_a_killed_prometheus_is_imported(self):
        port = support.free_port()
        config = self.file("self.yml", support.scrape_config(port, interval="200ms"))
        server = support.Server(
            [PROMETHEUS, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
             "--storage.tsdb.path=live", "--storage.tsdb.wal-compression",
             "--web.console.templates=", "--web.console.libraries="], self.directory, port)
        self.addCleanup(server.kill)
        server.wait_ready()
        support.wait_for(
            lambda: max(server.instant("count_over_time(up[1m])").values(), default=0) >= 20,
            what="20 scrapes")
        server.kill()
        output = self.tsdb("import", "--prometheus=live", "--storage.tsdb.path=ours")
        self.assertIn("0 blocks and the head: ", output)
        dump = self.promtool_dump("live")
        self.assertGreater(len(dump), 1000)
        self.assertEqual(self.our_dump("ours"), dump)

    def test_a_real_prometheus_reads_the_histograms_of_a_written_block(self):
        run = subprocess.run([WRITE_BLOCK, "written"], cwd=self.directory, timeout=60, check=True,
                             stdout=subprocess.PIPE, text=True)
        samples = [line.split() for line in run.stdout.splitlines()]
        server = self.serve("written")
        for kind, name in sorted({(kind, name) for kind, name, *_ in samples}):
            rows = [row for row in samples if row[1] == name]
            start, end = int(rows[0][2]) / 1000, int(rows[-1][2]) / 1000
            want = {int(ms) / 1000: (float(count), float(total)) for _, _, ms, count, total, _ in rows}
            self.assertEqual(len(want), 400)
            if kind == "float":
                (got,) = server.range(name, start, end, 15).values()
                self.assertEqual(got, {at: total for at, (_, total) in want.items()})
                continue
            for place, function in enumerate(("histogram_count", "histogram_sum")):
                (got,) = server.range(f"{function}({name})", start, end, 15).values()
                self.assertEqual(got, {at: both[place] for at, both in want.items()}, name)
            last = server.api("query", query=name, time=end)["result"][0]["histogram"][1]
            self.assertEqual([float(bucket[3]) for bucket in last["buckets"]],
                             [float(count) for count in rows[-1][5].split(",")])



if __name__ == "__main__":
    support.main()
