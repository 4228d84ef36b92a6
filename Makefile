# Every target sets up what it needs: its own .venv from the hashed locks, and again when a lock is newer.

PYTHON ?= python3
BIN := .venv/bin
RUNTIME_STAMP := .venv/.runtime-installed
DEV_STAMP := .venv/.dev-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)
GATES := check-format check-lint check-types check-imports check-shape check-lock

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check $(GATES) fmt golden bench bench-triggers lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME_STAMP) ## Watch a bad release being backed out (INTERACTIVE=1: you decide)
	$(BIN)/python -m demo $(if $(INTERACTIVE),--interactive)

test: $(DEV_STAMP) ## Run the tests (ARGS="tests/unit -k soak", WORKERS=0 for one process)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(DEV_STAMP) ## Run every gate, also after one has failed
	@$(MAKE) --no-print-directory --keep-going $(GATES)

check-format: $(DEV_STAMP) # The code is formatted
	$(BIN)/ruff format --check .

check-lint: $(DEV_STAMP) # The code breaks no rule
	$(BIN)/ruff check .

check-types: $(DEV_STAMP) # The code is typed
	$(BIN)/mypy

check-imports: $(DEV_STAMP) # Imports point inward
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/root_imports.py

check-shape: $(DEV_STAMP) # Functions and files are short
	$(BIN)/python tools/shape_gate.py

check-lock: $(DEV_STAMP) # The locks are complete and name no place
	$(BIN)/python tools/lock_guard.py

fmt: $(DEV_STAMP) ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(DEV_STAMP) ## Keep the histories and digests of today's workflows; review them before you commit
	$(BIN)/pytest tests/replay/test_scenarios.py tests/replay/test_watch_scenarios.py --golden
	@git diff --stat -- tests/replay/golden || true

bench: $(DEV_STAMP) ## Run the benchmarks
	$(BIN)/python -m bench $(ARGS)

bench-triggers: $(DEV_STAMP) ## Measure false reverts, delays and cost of the triggers (ARGS=--quick)
	$(BIN)/python -m bench.triggers $(ARGS)

lock: $(DEV_STAMP) ## Recompile the locks from pyproject.toml (UPGRADE=1: to the newest versions)
	$(COMPILE) --extra build --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra build --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(BIN)/python tools/lock_guard.py

clean: ## Remove what make and runs have made
	rm -rf .venv .backout build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Backout needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Install Python's venv module (on Debian: python3-venv)."; exit 1; }

$(RUNTIME_STAMP): requirements.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The dev lock holds every pin of the runtime lock, so it is the whole set-up.
$(DEV_STAMP): requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME_STAMP) $@
