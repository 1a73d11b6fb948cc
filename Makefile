# One-word tasks; `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python -m mooring.rehearse.sandbox --

# Keep compiled modules, whatever environment calls make: without them every start compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test wine e2e e2e-chaos coverage lint bench chart launcher lock clean

help: ## list these tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## install everything the other tasks need into .venv

# The stamp is newer than its inputs, so a second call does nothing.
$(VENV)/.installed: pyproject.toml requirements.lock | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# iproute2 creates the namespaces for demo and test, python3-venv creates .venv; these tasks need nothing else from the system.
.PHONY: system
system:
	@$(call ensure,command -v ip,iproute2)
	@$(call ensure,{ test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip'; },python3-venv)

# Install a missing Debian package if we are root, else print the command. $(call ensure,test that it is there,package)
ensure = $(1) >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
  && apt-get install -y -qq $(2) >/dev/null && $(1) >/dev/null 2>&1; } \
  || { echo "mooring: this machine lacks $(2): run  sudo apt-get install $(2)" >&2; exit 1; }

# TARGET=windows runs a Windows program under Wine in three namespaces.
TARGET ?= linux
demo: install $(if $(filter windows,$(TARGET)),wine-system) ## run one program as three replicas; kill, scale and stop them (TARGET=windows: a Windows program under Wine)
	$(BIN)/python -m $(if $(filter windows,$(TARGET)),tests.windows demo,mooring.rehearse.demo)

# Tests that create namespaces run in the sandbox, so they leave nothing behind; the tests of the sandbox itself run outside it.
PYTEST := -m pytest --numprocesses 3 --dist worksteal
test: install test-system ## all tests except those that need a cluster or Wine
	$(BIN)/python $(PYTEST) -m "not sandbox and not cluster and not wine"
	$(SANDBOX) $(BIN)/python $(PYTEST) -m sandbox

# npm installs the language server that checks what editors show; newuidmap gives an ordinary user more than one id. Go, for the
# registry and for other projects' definitions, must be installed already.
.PHONY: test-system
test-system:
	@$(call ensure,command -v newuidmap,uidmap)
	@$(call ensure,command -v npm,npm)

# Our own cluster is built from source into $MOORING_CACHE, by default ~/.cache/mooring; with KUBECONFIG nothing is built.
e2e: install $(if $(KUBECONFIG),,cluster-system) ## tests on a real Kubernetes of two nodes, or on the cluster in KUBECONFIG
	$(BIN)/python -m tests.cluster

# Windows Python is downloaded, and shims and toy programs are built, into the same cache.
wine: install wine-system ## tests of the launcher's Windows code: real Windows Python and programs, under Wine
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
e2e-chaos: install cluster-system ## COUNT random faults on that cluster, drawn from SEED
	SEED=$(SEED) COUNT=$(COUNT) $(BIN)/python -m tests.cluster tests/cluster/chaos.py --capture=no

.PHONY: cluster-system
cluster-system:
	@$(call ensure,command -v gcc,gcc libc6-dev)
	@$(call ensure,pkg-config --exists libseccomp,pkg-config libseccomp-dev)
	@$(call ensure,command -v iptables,iptables)
	@$(call ensure,command -v conntrack,conntrack)
	@$(call ensure,test -x /usr/lib/cni/ptp,containernetworking-plugins)

coverage: install test-system ## all tests again, slower, with the branches they reach (including in the launchers they start)
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

chart: install ## regenerate the committed chart/ and the launcher's config schema
	$(BIN)/python generator/regenerate.py

launcher: install ## build dist/mooring-launcher.pyz
	$(BIN)/python launcher/build.py dist/mooring-launcher.pyz

lock: ## update requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove what the other tasks created
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
