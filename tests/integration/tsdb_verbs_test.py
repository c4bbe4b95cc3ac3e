"""The verbs that look into a data folder, on one that a server wrote."""

import pathlib
import time

import support


class TsdbVerbs(support.Case):
    def path(self, name):
        return pathlib.Path(self.directory) / name

    def verb(self, name, *arguments):
        return self.run_barograph("tsdb", name, "--storage.tsdb.path=data", *arguments)

    def fill(self):
        """Six hours of a few series, for more than one block."""
        start = (int(time.time()) // 7200 - 12) * 7200
        lines = ["# TYPE m gauge"]
        for series in range(5):
            lines += [f'm{{i="{series}"}} {i % 9} {start + 60 * i}' for i in range(360)]
        self.file("text", "\n".join(lines + ["# EOF", ""]))
        code, output = self.run_barograph("tsdb", "import", "--storage.tsdb.path=data", "text")
        self.assertEqual(code, 0, output)

    def contents(self):
        """Of all files but RocksDB's."""
        return {str(p): p.read_bytes() for p in self.path("data").rglob("*")
                if p.is_file() and "index" not in p.parts}

    def test_a_folder_that_is_well(self):
        self.fill()
        before = self.contents()
        code, listed = self.verb("list", "-r")
        self.assertEqual(code, 0, listed)
        self.assertIn("BLOCK ULID", listed)
        code, verified = self.verb("verify")
        self.assertEqual(code, 0, verified)
        self.assertTrue(verified.endswith(": good\n"), verified)
        self.assertEqual(self.contents(), before)
        code, analysed = self.verb("analyze", "--limit=3")
        self.assertEqual(code, 0, analysed)
        self.assertIn("Total Series: 5\n", analysed)
        self.assertIn("Highest cardinality labels:\n5 i\n", analysed)

    def test_damage_is_told_with_file_and_offset(self):
        self.fill()
        run = max(self.path("data/head").glob("lone-*"), key=lambda p: p.stat().st_size)
        content = bytearray(run.read_bytes())
        content[24] ^= 1
        run.write_bytes(content)
        code, output = self.verb("verify")
        self.assertEqual(code, 1, output)
        self.assertIn(f"damaged: data/head/{run.name}: at byte 8, ", output)

    def test_a_folder_that_a_server_has_is_refused(self):
        self.fill()
        self.barograph("--storage.tsdb.path=data")
        for name in ("list", "verify", "analyze"):
            code, output = self.verb(name)
            self.assertEqual(code, 1, output)
            self.assertIn("data is in use: stop the server that runs on it first", output)

    def test_a_folder_that_is_not_there_is_not_made(self):
        for name in ("list", "verify", "analyze"):
            code, output = self.verb(name)
            self.assertEqual(code, 1, output)
        self.assertFalse(self.path("data").exists())


if __name__ == "__main__":
    support.main()
