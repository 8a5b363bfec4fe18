# Everything a developer or CI runs. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-demo fmt lint unit doctest it test demo bench fuzz docs

TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# Tools that setup built, then servers that it fetched; what the system has comes first.
export PATH := $(PATH):$(abspath $(TARGET))/tools/bin:$(abspath $(TARGET))/servers/redis-7.0:$(abspath $(TARGET))/servers/valkey-9.1
NEXTEST := cargo nextest run --locked $(if $(filter true,$(CI)),--profile ci)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what demo and tests need (Debian packages as root; the rest under target/)
	@scripts/setup.sh

setup-demo:
	@scripts/setup.sh --demo

fmt: ## format the code
	cargo fmt

lint: ## format check, clippy, rustdoc, cargo-deny; warnings are errors
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
	@if command -v cargo-deny >/dev/null || [ "$${CI:-}" = true ]; then \
	  cargo deny --log-level error check bans licenses sources; \
	else echo "lint: cargo-deny is not here and was left out; make setup brings it"; fi

unit: ## tests beside the code
	$(NEXTEST) --lib --bins --no-tests pass

doctest:
	cargo test --locked --doc --quiet

it: ## tests of the real binary against real servers
	$(NEXTEST) --test it

test: ## setup, lint and all tests, cheap ones first
	@scripts/test.sh

demo: setup-demo ## a minute of cachewatch against a Redis of its own: healthy, TTL cliff, eviction, recovery
	cargo run --release --locked -- demo

bench: setup ## what the performance claims rest on
	cargo bench --locked

# What it finds worth keeping stays under fuzz/target; fuzz/corpus is only read, because the tests replay it.
FOR ?= 60
fuzz: ## each fuzz target for FOR=60 seconds; needs a nightly toolchain and cargo-fuzz
	for target in decoder info namespaces config; do \
	  mkdir -p fuzz/target/corpus/$$target; \
	  env -u CARGO_TARGET_DIR cargo +nightly fuzz run $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(FOR) -max_len=8192 -rss_limit_mb=2048 -print_final_stats=1; \
	done

docs: ## the API documentation, private items included, in target/doc
	cargo doc --locked --no-deps --document-private-items
