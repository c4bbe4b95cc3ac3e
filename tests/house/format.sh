#!/bin/sh
# Checks that every source is as clang-format writes it. Usage: format.sh SOURCE_DIR
set -eu
cd "$1"
find base net tsdb promql discovery server web tests bench -name '*.h' -o -name '*.cc' |
  xargs clang-format-19 --dry-run -Werror
