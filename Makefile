# The front door. `make` alone lists what there is.
#
# Every cargo call is for the whole workspace and under the one profile `dalil`: with other packages or another profile the
# features of RocksDB's dependencies differ, and RocksDB, a quarter of an hour of compiling, would be built once more.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Outside the checkout, so that a fresh clone finds RocksDB already built.
export DALIL_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dalil
export CARGO_TARGET_DIR ?= $(DALIL_CACHE)/target
export PATH := $(DALIL_CACHE)/tools/bin:$(PATH)

CARGO := testnet/setup/build.sh
FLAGS := --profile dalil --locked
DALIL := $(CARGO_TARGET_DIR)/dalil/dalil
SCRIPTS := .ci/run $(sort $(wildcard testnet/*/*.sh consensus/tests/*/*.sh))

# EXIT=1: `make demo` ends after its story instead of staying up.
EXIT ?=
# How many times as far as in `make test` the model checker goes.
FACTOR ?= 10
# Which mutants of the engine `make mutants` tries; all if empty.
MUTANT ?=
# Further arguments of `dalil bench`.
ARGS ?=
# How many validators `make crash` kills.
KILLS ?= 200

# Seeds of `make sim`: how many, the first, one alone (also of `make crash`; with TRACE=1 all that happens in it); threads.
SEEDS ?= 500
FROM ?= 0
SEED ?=
TRACE ?=
JOBS ?=

# `make fuzz`: which target, and for how long each.
TARGET ?= all
SECONDS ?= 60

.PHONY: help setup build demo test model mutants sim crash fuzz lint fmt advisories bench docs image testnet-up testnet-down \
    testnet-logs tools

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## check this machine; install libclang if it is missing
	@testnet/setup/preflight.sh

build: setup ## build the node, `dalil`
	$(CARGO) build $(FLAGS) --workspace --bins

demo: build ## four validators on this machine play the whole story (EXIT=1: and stop)
	$(DALIL) demo --dir target/demo $(if $(filter-out 0 no,$(EXIT)),--exit)

test: setup ## all tests
	testnet/setup/test-preflight.sh
	testnet/setup/test-build.sh
	testnet/setup/test-browser.sh
	testnet/setup/browser.sh
	$(CARGO) test $(FLAGS) --workspace
	@echo "The verifying half of the ledger, without RocksDB:"
	$(CARGO) test $(FLAGS) --package dalil-ledger --no-default-features

model: setup ## model checking of the engine, FACTOR times as far as in `make test`; prints states and witnesses
	MODEL_FACTOR=$(FACTOR) $(CARGO) test $(FLAGS) --workspace --test model -- --nocapture

mutants: setup ## remove each safety rule of the engine in turn; simulator or model must notice (MUTANT="name …")
	consensus/tests/mutants/run.sh $(MUTANT)

sim: setup ## whole nodes under faults drawn from seeds (SEEDS=n FROM=first JOBS=threads, or SEED=only TRACE=1)
	SEEDS=$(SEEDS) FROM=$(FROM) SEED=$(SEED) TRACE=$(TRACE) JOBS=$(JOBS) \
		$(CARGO) test $(FLAGS) --workspace --test cluster -- --exact storms::seeds --nocapture

fuzz: setup ## fuzz every decoder and the engine's inputs (TARGET=name, SECONDS=n each)
	testnet/setup/fuzz.sh $(TARGET) $(SECONDS)

lint: setup tools ## formatting, clippy, rustdoc, dependencies, scripts
	cargo fmt --all --check
	shellcheck -x -P testnet/setup -P testnet/compose $(SCRIPTS)
	cargo-deny --locked check --hide-inclusion-graph bans licenses sources
	$(CARGO) clippy $(FLAGS) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(FLAGS) --workspace --no-deps

fmt: ## format the Rust sources
	cargo fmt --all

advisories: tools ## security advisories of the dependencies (needs the network)
	cargo-deny --locked check advisories

bench: build ## drive a network with load (ARGS="…" for dalil bench)
	$(DALIL) bench $(ARGS)

crash: setup ## kill -9 validators at random moments under load (KILLS=200, SEED=…)
	KILLS=$(KILLS) $(if $(SEED),SEED=$(SEED)) $(CARGO) test $(FLAGS) --workspace --test crash -- kills:: --nocapture

docs: setup ## the crates' documentation as web pages
	$(CARGO) doc $(FLAGS) --workspace --no-deps
	@echo "$(CARGO_TARGET_DIR)/doc/dalil_ledger/index.html"

image: ## the container image dalil:local
	testnet/compose/image.sh

testnet-up: ## four validators in containers
	testnet/compose/testnet.sh up

testnet-down: ## stop them and delete their data
	testnet/compose/testnet.sh down

testnet-logs: ## follow their logs
	testnet/compose/testnet.sh logs

tools:
	@testnet/setup/tools.sh
