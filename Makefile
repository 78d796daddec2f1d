# Needs Python 3.11 or newer with venv, and make. Everything else comes into .venv from requirements.lock.
PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCHES := $(filter-out bench/__init__.py bench/common.py,$(wildcard bench/*.py))

.DEFAULT_GOAL := help
.PHONY: help setup demo up kafka test test-long lint bench lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## make .venv with all that the project needs (PYTHON=python3.12 chooses the interpreter)

# Not even Python's caches are left outside the folder.
demo: $(READY) ## run the main job on real servers, in ./keyledger-demo (DEMO_KEEP=1 leaves it running)
	PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m keyledger.demo $(if $(filter-out 0,$(DEMO_KEEP)),--keep-running)

up: $(READY) ## start the embedded default on ./keyledger-data, until Ctrl-C
	$(BIN)/keyledger up

kafka: $(READY) ## start Apache Kafka on loopback port 9092, until Ctrl-C (needs Docker, or Java and Maven)
	$(BIN)/python -m tests.support.servers.broker

# They start some hundred processes: with Python's caches, also where the machine is set to write none.
test: $(READY) ## run the tests on two cores
	@$(BIN)/python -m tests.support.servers.prepare
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadgroup --durations=25 -m "not long"

test-long: $(READY) ## run the soak and chaos tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadgroup --durations=25 -m long

lint: $(READY) ## check style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## print the ratios of append, replay, bill and pipeline
	@set -e; for file in $(BENCHES); do \
		echo "$$file"; $(BIN)/python -m "bench.$$(basename "$$file" .py)"; \
	done

ENGINE_25_8 := tests/support/clickhouse_http/requirements-25.8
GENERATOR := tests/support/generated_clients
PROXIES := tests/support/forward_auth
COMPILE = $(UV) pip compile --universal --python-version 3.11 --quiet \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: ## resolve the lock files again: all, the image's and its build's (needs uv)
	$(COMPILE) pyproject.toml --extra embedded --extra charts --group build --group test --group bench --group lint \
		--upgrade --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock --output-file requirements-image.lock
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) $(ENGINE_25_8).in --upgrade --output-file $(ENGINE_25_8).lock
	$(COMPILE) $(GENERATOR)/requirements.in --upgrade --output-file $(GENERATOR)/requirements.lock
	$(COMPILE) $(PROXIES)/requirements.in --upgrade --output-file $(PROXIES)/requirements.lock

# The stamp is the last thing written, so that an interrupted set-up begins again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Keyledger needs Python 3.11 or newer: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "$(PYTHON) lacks venv: install it (on Debian: apt install python3-venv)" >&2; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): a minute or two, once"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
