# Two commands are all a newcomer needs: `make run` and `make test`. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests of one file stay in one process, for they share what is costly to make.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadgroup
export DAGSTER_HOME ?= $(CURDIR)/data/dagster
export DAGSTER_DISABLE_TELEMETRY := yes
# Compiled bytecode halves every start of Dagster; an inherited switch that forbids it is undone here.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test ui check home bench month lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, got " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(BIN)/.ready ## Set up, then run the main job on data/landing (the demo market if it is empty)
	$(BIN)/grinder run

test: $(BIN)/.ready ## Set up, then run the tests
	$(BIN)/python -m pytest $(PARALLEL)

ui: $(BIN)/.ready home ## Open the Dagster UI on http://localhost:3000
	$(BIN)/dagster dev --workspace workspace.yaml

check: $(BIN)/.ready home ## Lint, types, import rules, definitions, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/dagster definitions validate --workspace workspace.yaml
	$(BIN)/python -m pytest $(PARALLEL)

home:
	@mkdir -p $(DAGSTER_HOME)
	@test -f $(DAGSTER_HOME)/dagster.yaml || cp grinder_assets/dagster.yaml $(DAGSTER_HOME)/

bench: $(BIN)/.ready ## Measure; ratios against a named baseline in the same run
	$(BIN)/python -m benchmarks

month: $(BIN)/.ready ## Simulate a month of operations in data/month (needs libfaketime; about three quarters of an hour)
	$(BIN)/grinder month --out data/month

lock: ## Renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra ui --extra signing --extra tracking --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
		--output-file requirements.lock
	awk -f .ci/bare_pins.awk requirements.lock > requirements.lock.new && mv requirements.lock.new requirements.lock

clean: ## Remove what runs made: lake, models, staging, Dagster's records (landing files and the trial ledger stay)
	rm -rf data/lake data/staging data/reports data/grinder.duckdb data/dagster data/month
	find models -mindepth 1 ! -name README.md ! -name 'ledger.*' -delete
