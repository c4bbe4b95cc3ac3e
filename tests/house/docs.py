#!/usr/bin/env python3
"""Checks that the paths which the documents name exist. A path is `text in code quotes` or a link
target that starts with one of the project's folders. Usage: docs.py SOURCE_DIR"""

import pathlib
import re
import sys

FOLDERS = ("base", "net", "tsdb", "promql", "discovery", "server", "web", "tests", "bench",
           "deploy", "docs")
QUOTED = re.compile(r"`((?:%s)/[\w./*-]*)`" % "|".join(FOLDERS))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def exists(path):
    if "*" in path.name:
        return any(path.parent.glob(path.name))
    return path.exists() or path.with_suffix(".h").exists()


def main():
    root = pathlib.Path(sys.argv[1])
    documents = sorted(path for pattern in ("*.md", "bench/*.md", "docs/**/*.md")
                       for path in root.glob(pattern))
    gone, named = [], 0
    for document in documents:
        for number, line in enumerate(document.read_text().splitlines(), 1):
            paths = [root / p for p in QUOTED.findall(line)]
            paths += [document.parent / p for p in LINK.findall(line)]
            named += len(paths)
            gone += [f"{document.relative_to(root)}:{number}: {p} is gone"
                     for p in paths if not exists(p)]
    print("\n".join(gone))
    print(f"{len(documents)} documents, {named} paths, {len(gone)} gone")
    sys.exit(1 if gone or not named else 0)


main()
