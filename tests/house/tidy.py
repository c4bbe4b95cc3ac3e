#!/usr/bin/env python3
"""Runs clang-tidy (.clang-tidy) over the project's own sources. What was clean stays so until the
file, or anything that it includes, changes. Usage: tidy.py SOURCE_DIR BUILD_DIR"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

FOLDERS = ("base", "net", "tsdb", "promql", "discovery", "server", "web")


def dependencies(entry):
    """Every file that the compiler reads for this source."""
    command = [word for word in entry["command"].split() if not word.endswith("ccache")]
    output = command.index("-o")
    del command[output:output + 2]
    run = subprocess.run(command + ["-M"], cwd=entry["directory"], capture_output=True, text=True)
    if run.returncode != 0:
        raise ValueError(run.stderr)
    return sorted(set(run.stdout.replace("\\\n", " ").split()[1:]))


def digest(entry, configuration):
    total = hashlib.sha256(configuration + entry["command"].encode())
    for name in dependencies(entry):
        total.update(pathlib.Path(entry["directory"], name).read_bytes())
    return total.hexdigest()


def check(entry, build, clean, configuration):
    try:
        stamp = clean / digest(entry, configuration)
    except ValueError as error:
        return str(error)
    if stamp.exists():
        return None
    run = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(build), entry["file"]],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return run.stdout
    stamp.touch()
    return None


def main():
    source, build = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    configuration = (source / ".clang-tidy").read_bytes()
    clean = build / "tidy-clean"
    clean.mkdir(exist_ok=True)
    entries = [e for e in json.loads((build / "compile_commands.json").read_text())
               if os.path.relpath(e["file"], source).split("/")[0] in FOLDERS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in
                 pool.map(lambda e: check(e, build, clean, configuration), entries) if text]
    print("\n".join(found))
    print(f"{len(entries)} sources, {len(found)} with findings")
    sys.exit(1 if found or not entries else 0)


main()
