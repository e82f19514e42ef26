# Everything starts here: `make demo` and `make test` need Python >= 3.11 and nothing else set up;
# Anvil, the Solidity compiler and the contract tests need Node >= 20 as well.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
UV_INSTALL := $(UV) pip install --quiet --python $(BIN)/python
FORGE = $(firstword $(wildcard node_modules/@foundry-rs/forge-*/bin/forge))
LOCK := $(UV) pip compile --quiet --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo devnet test test-all install check python foreign contracts gas gas-check ape \
	slither prove mutate attacks fuzz smokes crash bench bench-audit format artifacts lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv/runtime  ## the main job: three deals between agents, and an audit (under a minute)
	@$(BIN)/parley demo $(ARGS)

devnet: .venv/runtime  ## a chain, our contracts, funded keys and a registry, until Ctrl-C
	@$(BIN)/parley devnet $(ARGS)

test:  ## everything that a change must pass, with the seconds of each part
	@MAKE="$(MAKE)" sh scripts/parts.sh install check python foreign contracts attacks ape smokes

test-all:  ## the same at depth: more examples, more fuzzing
	@HYPOTHESIS_PROFILE=night FOUNDRY_PROFILE=deep MAKE="$(MAKE)" \
		sh scripts/parts.sh install check python foreign contracts attacks ape smokes

install: .venv/dev node_modules/.installed  ## both environments, from the lock files

check: install  ## formatting, lint, types, layers, freshness of everything generated, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache >.toolchain/layers.txt || (cat .toolchain/layers.txt; false)
	$(BIN)/python scripts/build_contracts.py --check
	$(BIN)/python scripts/vectors.py --check
	$(BIN)/python scripts/payouts.py --check
	$(BIN)/python scripts/sealed_vectors.py --check
	$(BIN)/python scripts/anchor_vectors.py --check
	$(BIN)/python scripts/dataset.py --check
	$(FORGE) fmt --check
	$(BIN)/pytest tests/house

python: install  ## the Python tests
	$(BIN)/pytest -n auto --dist loadfile --ignore=tests/house --ignore=tests/e2e --ignore=tests/foreign

foreign: install .toolchain/logcheck  ## the log judged by Go's own verifier and by Sigstore's
	$(BIN)/pytest tests/foreign $(ARGS)

ape: .venv-ape/.installed node_modules/.installed  ## the contracts from outside, and the deploy script, under Ape
	APE_DATA_FOLDER=$(CURDIR)/.toolchain/ape .venv-ape/bin/ape test tests/ape $(ARGS)

contracts: install  ## the Solidity tests: unit, fuzz, invariants; and that nothing got dearer
	$(FORGE) test
	$(BIN)/python scripts/gas.py --check

gas: install  ## measure each way through the escrow, and write docs/benchmarks/gas.json
	$(BIN)/python scripts/gas.py

gas-check: install  ## fail where gas has risen by over one per cent
	$(BIN)/python scripts/gas.py --check

slither: install .venv-slither/.installed  ## static analysis of the contracts
	$(BIN)/python scripts/analyse.py

prove: install .venv-halmos/.installed  ## prove conservation of money for all values
	$(BIN)/python scripts/prove.py $(ARGS)

mutate: install .venv-slither/.installed  ## change the contracts in thousands of ways: a test must fail each time
	$(BIN)/python scripts/mutate.py $(ARGS)

attacks: slither .venv-halmos/.installed  ## slither whole, and a little of prove and of mutate
	$(BIN)/python scripts/prove.py refund
	$(BIN)/python scripts/mutate.py --sample 20

fuzz: install  ## fuzz the registry's HTTP by its own document, and all that reads from the wire
	$(BIN)/python -W ignore scripts/fuzz_api.py --examples $(or $(EXAMPLES),60)
	$(BIN)/python -W ignore scripts/fuzz_wire.py --runs $(or $(RUNS),300000)

smokes: install  ## whole commands as a user runs them: demo, README
	$(BIN)/pytest -n auto --dist loadfile tests/e2e

crash: install  ## kill -9 a hundred times under load on each database, and write docs/benchmarks/crash.json
	PYTHONPATH=tests:tests/e2e:scripts $(BIN)/python -m crash $(ARGS)

bench: install  ## how fast the registry is, and write docs/benchmarks/registry.json
	$(BIN)/python scripts/bench_registry.py $(ARGS)

bench-audit: install  ## how long an audit takes, and write docs/benchmarks/audit.json
	$(BIN)/python scripts/bench_audit.py $(ARGS)

format: install  ## let the formatters have their way
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(FORGE) fmt

artifacts: install  ## compile the contracts, write the vectors and the dataset
	$(BIN)/python scripts/build_contracts.py
	$(BIN)/python scripts/vectors.py
	$(BIN)/python scripts/payouts.py
	$(BIN)/python scripts/sealed_vectors.py
	$(BIN)/python scripts/anchor_vectors.py
	$(BIN)/python scripts/dataset.py

lock: .venv/uv  ## resolve the requirements again
	echo 'uv' | $(LOCK) - -o requirements/uv.txt
	$(LOCK) pyproject.toml --extra embedded requirements/dev.in -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra embedded requirements/build.in -c requirements/dev.txt \
		-o requirements/runtime.txt
	$(LOCK) requirements/contracts.in -o requirements/contracts.txt
	$(LOCK) requirements/halmos.in -o requirements/halmos.txt
	$(LOCK) requirements/slither.in -o requirements/slither.txt
	$(LOCK) requirements/go.in -o requirements/go.txt

clean:  ## forget both environments and everything built
	rm -rf .venv .venv-ape .venv-go .venv-halmos .venv-slither node_modules .toolchain .parley .build

# ---------------------------------------------------------------- environments

.venv/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Parley needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..." >&2; false; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/runtime: .venv/uv requirements/runtime.txt pyproject.toml
	$(UV_INSTALL) --require-hashes -r requirements/runtime.txt
	$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements/dev.txt
	$(UV_INSTALL) --require-hashes -r requirements/dev.txt
	@mkdir -p .toolchain
	@touch $@

.venv-ape/.installed: .venv/uv requirements/contracts.txt
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-ape
	$(UV) pip install --quiet --python .venv-ape/bin/python --require-hashes -r requirements/contracts.txt
	@touch $@

.venv-%/.installed: requirements/%.txt .venv/uv
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-$*
	$(UV) pip install --quiet --python .venv-$*/bin/python --require-hashes -r $<
	@touch $@

.toolchain/logcheck: .venv-go/.installed scripts/build_logcheck.sh $(wildcard tests/foreign/logcheck/*)
	sh scripts/build_logcheck.sh

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || \
		{ echo "Node >= 20 (npm) is needed for the compiler, Anvil and the contract tests; 'make demo' runs without it." >&2; false; }
	npm install --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error
	@touch $@
