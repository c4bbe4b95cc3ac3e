#!/usr/bin/env python3
"""Checks who includes whom: arrows point down only (docs/ARCHITECTURE.md), and each heavy
library stays in the folders it belongs to. Usage: layers.py SOURCE_DIR"""

import pathlib
import re
import sys

MAY_INCLUDE = {
    "base": {"base"},
    "net": {"base", "net"},
    "tsdb": {"base", "tsdb"},
    "promql": {"base", "promql"},
    "discovery": {"base", "net", "discovery"},
    "web": {"base", "net", "promql", "web"},
    "server": {"base", "net", "tsdb", "promql", "discovery", "web", "server"},
}

# A header prefix, and the folders that may include it.
LIBRARIES = {
    "rocksdb/": ["tsdb/index/"],
    "roaring/": ["tsdb/"],
    "yaml-cpp/": ["base/yaml/"],
    "boost/asio": ["net/", "discovery/", "server/", "web/"],
    "boost/beast": ["net/"],
    "openssl/": ["net/", "base/model/"],
    "re2/": ["base/model/"],
    "libdeflate.h": ["net/"],
    "snappy": ["tsdb/prometheus/", "server/ingest/"],
    "zstd.h": ["tsdb/", "server/ingest/"],
    "CLI/": ["server/cli/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def violations(root):
    for folder, allowed in MAY_INCLUDE.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".inl"):
                continue
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                header = match.group(2)
                if match.group(1) == '"' and header.split("/")[0] not in allowed:
                    yield f"{name}:{number}: {folder}/ must not include {header}"
                for library, homes in LIBRARIES.items():
                    if header.startswith(library) and not name.startswith(tuple(homes)):
                        yield f"{name}:{number}: <{header}> belongs to {', '.join(homes)}"


def main():
    root = pathlib.Path(sys.argv[1])
    found = list(violations(root))
    print("\n".join(found))
    files = sum(1 for folder in MAY_INCLUDE for _ in (root / folder).rglob("*.h"))
    if files == 0:
        sys.exit("no headers found: is that the source folder?")
    print(f"{files} headers, {len(found)} violations")
    sys.exit(1 if found else 0)


main()
