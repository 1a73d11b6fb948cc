# One-word tasks. `make` alone prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python -m mooring.rehearse.sandbox --

# Compiled modules are kept, wherever make is called from: without them every start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test wine e2e e2e-chaos coverage lint bench chart launcher lock clean

help: ## print these tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## put everything the other tasks need into .venv

# The stamp is newer than what it was made from, so a second call does nothing.
$(VENV)/.installed: pyproject.toml requirements.lock | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# iproute2 makes the namespaces of demo and test, python3-venv the .venv; nothing else is needed from the system.
.PHONY: system
system:
	@$(call ensure,command -v ip,iproute2)
	@$(call ensure,{ test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip'; },python3-venv)

# Install a Debian package where root may, else name the command. $(call ensure,how to see that it is there,its name)
ensure = $(1) >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
  && apt-get install -y -qq $(2) >/dev/null && $(1) >/dev/null 2>&1; } \
  || { echo "mooring: this machine lacks $(2): run  sudo apt-get install $(2)" >&2; exit 1; }

# TARGET=windows: a Windows program under Wine in three namespaces.
TARGET ?= linux
demo: install $(if $(filter windows,$(TARGET)),wine-system) ## run one program as three replicas, kill, scale and stop it (TARGET=windows: a Windows program, under Wine)
	$(BIN)/python -m $(if $(filter windows,$(TARGET)),tests.windows demo,mooring.rehearse.demo)

# Tests that make namespaces run in the sandbox, so that nothing of them can stay behind; the sandbox's own run outside.
PYTEST := -m pytest --numprocesses 3 --dist worksteal
test: install test-system ## all tests but those that need a cluster
	$(BIN)/python $(PYTEST) -m "not sandbox and not cluster and not wine"
	$(SANDBOX) $(BIN)/python $(PYTEST) -m sandbox

# npm brings the judge of what editors are told; newuidmap gives an ordinary user more ids than one; go, the registry and
# definitions of others, is the machine's own.
.PHONY: test-system
test-system:
	@$(call ensure,command -v newuidmap,uidmap)
	@$(call ensure,command -v npm,npm)

# Our own cluster is built from source into $MOORING_CACHE, by default ~/.cache/mooring; with KUBECONFIG nothing is.
e2e: install $(if $(KUBECONFIG),,cluster-system) ## tests on a real Kubernetes of two nodes, or on the one of KUBECONFIG
	$(BIN)/python -m tests.cluster

# Windows Python, shims and toy programs are fetched and built into the same cache.
wine: install wine-system ## the launcher as it is for Windows: real Windows Python and programs, under Wine
	$(BIN)/python -m tests.windows

.PHONY: wine-system
wine-system:
	@$(call ensure,command -v wine,--no-install-recommends wine wine64)
	@$(call ensure,command -v x86_64-w64-mingw32-gcc,gcc-mingw-w64-x86-64)
	@$(call ensure,command -v Xvfb,xvfb)
	@$(call ensure,command -v osslsigncode,osslsigncode)
	@$(call ensure,command -v openssl,openssl)

SEED ?=
COUNT ?= 20
e2e-chaos: install cluster-system ## COUNT faults on that cluster, drawn at random by SEED
	SEED=$(SEED) COUNT=$(COUNT) $(BIN)/python -m tests.cluster tests/cluster/chaos.py --capture=no

.PHONY: cluster-system
cluster-system:
	@$(call ensure,command -v gcc,gcc libc6-dev)
	@$(call ensure,pkg-config --exists libseccomp,pkg-config libseccomp-dev)
	@$(call ensure,command -v iptables,iptables)
	@$(call ensure,command -v conntrack,conntrack)
	@$(call ensure,test -x /usr/lib/cni/ptp,containernetworking-plugins)

coverage: install test-system ## all tests once more, slower, with the branches they reach (also in launchers they start)
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) -m "not sandbox and not cluster and not wine"
	$(SANDBOX) $(BIN)/coverage run $(PYTEST) -m sandbox
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: install ## ruff, mypy --strict, the direction of imports, and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

bench: install test-system ## print the table of figures
	$(BIN)/python -m tests.bench fetch
	$(SANDBOX) $(BIN)/python -m tests.bench

chart: install ## regenerate what is generated and committed: chart/ and the launcher's config schema
	$(BIN)/python generator/regenerate.py

launcher: install ## build dist/mooring-launcher.pyz
	$(BIN)/python launcher/build.py dist/mooring-launcher.pyz

lock: ## lock the versions of pyproject.toml anew (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove what the other tasks made
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
