#!/bin/sh
# Installs the Debian 12 packages that Barograph is built (and tested) with.
#
#   install-packages.sh build [test] [sanitizers] [bench]
#
# Does nothing where all are there. Uses sudo when not root. On another distribution it lists what
# to look for and goes on: the build then says what is really missing.
#
# The servers that the tests (prometheus, prometheus-node-exporter) and the benchmarks
# (victoria-metrics, too) compare with are unpacked below build/peers and not installed: their
# packages would start services.
set -eu
cd "$(dirname "$0")/.."

build_packages="clang-19 lld-19 cmake ninja-build ccache pkg-config git
  libboost1.81-dev libboost-json1.81-dev libcli11-dev libdeflate-dev
  libfmt-dev libmimalloc-dev libre2-dev libroaring-dev librocksdb-dev libsnappy-dev libssl-dev
  libxxhash-dev libyaml-cpp-dev libzstd-dev"
test_packages="catch2 libbenchmark-dev clang-format-19 clang-tidy-19 libclang-rt-19-dev
  python3 ca-certificates"
sanitizer_packages="llvm-19" # symbols, which suppressions are about
peers="prometheus prometheus-node-exporter"

wanted=""
want_peers=""
for group in "$@"; do
  case "$group" in
    build) wanted="$wanted $build_packages" ;;
    test) wanted="$wanted $test_packages"; want_peers="${want_peers:-$peers}" ;;
    sanitizers) wanted="$wanted $sanitizer_packages" ;;
    bench) want_peers="$peers victoria-metrics" ;;
    *) echo "install-packages.sh: unknown group '$group' (build, test, sanitizers, bench)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! grep -q '^VERSION_ID="12"' /etc/os-release; then
  echo "This is not Debian 12. Barograph needs the like of these packages:" >&2
  printf '  %s\n' $wanted >&2
  exit 0
fi

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
updated=no
update() {
  [ "$updated" = yes ] && return
  as_root apt-get -q update
  updated=yes
}

missing=""
for package in $wanted; do
  installed "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "Installing:$missing"
  update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
fi

for peer in $want_peers; do
  [ -x "build/peers/usr/bin/$peer" ] && continue
  mkdir -p build/peers/download
  (cd build/peers/download && apt-get -q download "$peer") ||
    { update; (cd build/peers/download && apt-get -q download "$peer"); }
  dpkg -x build/peers/download/"$peer"_*.deb build/peers
done
