# One-word tasks. `make` alone prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python -m mooring.rehearse.sandbox --

# Compiled modules are kept, wherever make is called from: without them every start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage lint bench chart launcher lock clean

help: ## print these tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## put everything the other tasks need into .venv

# The stamp is newer than what it was made from, so a second call does nothing.
$(VENV)/.installed: pyproject.toml requirements.lock | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# iproute2 makes the namespaces of demo and test; nothing else is needed from the system.
.PHONY: system
system:
	@command -v ip >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && apt-get install -y -qq iproute2 >/dev/null; } \
	  || { echo "mooring: the command 'ip' is missing: run  sudo apt-get install iproute2" >&2; exit 1; }

demo: install ## run one program as three replicas, kill, scale and stop it: the main job end to end
	$(BIN)/python -m mooring.rehearse.demo

# Tests that make namespaces run in the sandbox, so that nothing of them can stay behind; the sandbox's own run outside.
PYTEST := -m pytest --numprocesses 2 --dist worksteal
test: install ## all tests
	$(BIN)/python $(PYTEST) -m "not sandbox"
	$(SANDBOX) $(BIN)/python $(PYTEST) -m sandbox

coverage: install ## all tests once more, slower, with the branches they reach (also in launchers they start)
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) -m "not sandbox"
	$(SANDBOX) $(BIN)/coverage run $(PYTEST) -m sandbox
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: install ## ruff, mypy --strict, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install ## print the table of figures
	$(SANDBOX) $(BIN)/python -m tests.bench

chart: install ## regenerate what is generated and committed: chart/ and the launcher's config schema
	$(BIN)/python -m mooring._self

launcher: install ## build dist/mooring-launcher.pyz
	$(BIN)/python launcher/build.py dist/mooring-launcher.pyz

lock: ## lock the versions of pyproject.toml anew (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove what the other tasks made
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
