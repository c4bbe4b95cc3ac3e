# The front door: `make run` and `make test` do everything on a fresh Debian 12.
#
#   make run                      install packages, build, serve on :9090
#   make run ARGS="--web.listen-address=127.0.0.1:19090 --config.file=x.yml"
#   make test                     install packages, build, run every test
#   make test-asan, test-tsan     the same tests under the sanitizers
#   make fuzz                     each fuzz target for FUZZ_SECONDS
#   make format                   clang-format every source
ARGS ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

.PHONY: run build test test-asan test-tsan fuzz format packages test-packages clean

run: build
	@exec build/release/barograph $(ARGS)

build: packages
	@cmake --preset release
	@cmake --build build/release --parallel $(JOBS) --target barograph

packages:
	@deploy/install-packages.sh build

test-packages:
	@deploy/install-packages.sh build test

test: test-packages
	@cmake --preset release
	@cmake --build build/release --parallel $(JOBS)
	@ctest --test-dir build/release --output-on-failure --parallel $(JOBS)

# Without a symbolizer ThreadSanitizer cannot tell which library a suppression is about.
test-asan test-tsan: test-%: test-packages
	@deploy/install-packages.sh sanitizers
	@cmake --preset $*
	@cmake --build build/$* --parallel $(JOBS)
	@TSAN_OPTIONS="suppressions=$(CURDIR)/tests/support/tsan_suppressions.txt external_symbolizer_path=$$(command -v llvm-symbolizer-19)" \
	  ctest --test-dir build/$* --output-on-failure --label-exclude house

fuzz: test-packages
	@cmake --preset fuzz
	@cmake --build build/fuzz --parallel $(JOBS)
	@for target in build/fuzz/*_fuzz; do \
	  $$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 || exit 1; done

format:
	@git ls-files --cached --others --exclude-standard '*.h' '*.cc' | xargs clang-format-19 -i

clean:
	@rm -rf build
