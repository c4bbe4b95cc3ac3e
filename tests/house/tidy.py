#!/usr/bin/env python3
"""Runs clang-tidy (.clang-tidy) over the project's own sources. What was clean stays so until a
file, or anything that it includes, changes. Usage: tidy.py SOURCE_DIR BUILD_DIR

Most of the time goes into the headers, so the sources of a folder are looked at some together, each
included by one. A group that does not compile as one, for names that two have both, is halved."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import shlex
import subprocess
import sys

FOLDERS = ("base", "net", "tsdb", "promql", "discovery", "server", "web")
SOURCES_TOGETHER = 16


class Checker:
    def __init__(self, source, build):
        self.configuration = (source / ".clang-tidy").read_bytes()
        self.clean = build / "tidy-clean"
        self.clean.mkdir(exist_ok=True)

    def check(self, group):
        """What is found in a group of sources that are compiled with the same command."""
        unit = self.unit_of(group)
        command = compile_command(group[0])
        read = subprocess.run([*command, str(unit), "-M"], cwd=group[0]["directory"],
                              capture_output=True, text=True)
        if read.returncode != 0:
            return [read.stderr]
        stamp = self.clean / self.digest(command, group[0]["directory"], dependencies(read.stdout))
        if stamp.exists():
            return []
        if len(group) > 1 and not compiles(command, unit, group[0]["directory"]):
            half = len(group) // 2
            found = self.check(group[:half]) + self.check(group[half:])
        else:
            found = tidy(command, unit, group[0]["directory"])
        if not found:
            stamp.touch()
        return found

    def unit_of(self, group):
        text = "".join(f'#include "{entry["file"]}"\n' for entry in group)
        unit = self.clean / f"{hashlib.sha256(text.encode()).hexdigest()}.cc"
        if not unit.exists():
            unit.write_text(text)
        return unit

    def digest(self, command, directory, files):
        total = hashlib.sha256(self.configuration + shlex.join(command).encode())
        for name in files:
            total.update(pathlib.Path(directory, name).read_bytes())
        return total.hexdigest()


def compile_command(entry):
    """The command without its source, its output and the compiler's own warnings."""
    words = [word for word in shlex.split(entry["command"])
             if not word.endswith("ccache") and word not in ("-c", entry["file"])]
    output = words.index("-o")
    return [*words[:output], *words[output + 2:], "-Wno-everything"]


def dependencies(rule):
    """Every file that the compiler read, from its rule for make."""
    return sorted(set(rule.replace("\\\n", " ").split()[1:]))


def compiles(command, unit, directory):
    return subprocess.run([*command, "-fsyntax-only", str(unit)], cwd=directory,
                          capture_output=True).returncode == 0


def tidy(command, unit, directory):
    run = subprocess.run(["clang-tidy-19", "--quiet", str(unit), "--", *command[1:]],
                         cwd=directory, capture_output=True, text=True)
    return [run.stdout or run.stderr] if run.returncode != 0 else []


def groups(entries):
    """Neighbours with the same command, some at a time."""
    def place(entry):
        return os.path.dirname(entry["file"]), compile_command(entry)
    for _, alike in itertools.groupby(sorted(entries, key=place), place):
        yield from map(list, batched(alike, SOURCES_TOGETHER))


def batched(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def main():
    source, build = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    entries = [e for e in json.loads((build / "compile_commands.json").read_text())
               if os.path.relpath(e["file"], source).split("/")[0] in FOLDERS]
    checker = Checker(source, build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(itertools.chain(*pool.map(checker.check, groups(entries))))
    print("\n".join(found))
    print(f"{len(entries)} sources, {len(found)} with findings")
    sys.exit(1 if found or not entries else 0)


main()
