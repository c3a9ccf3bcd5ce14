# Each target is one line into the place where the work is done.
# `make demo` and `make test` do all their set-up themselves; `make help` lists what there is.

BASE_PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
PYTHON      := .venv/bin/python
export PYTHONPATH := operator
# Programs start in a third of the time from compiled modules, and tests start hundreds of them.
unexport PYTHONDONTWRITEBYTECODE

SEEDS ?= 10000
FROM  ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup up down demo test test-mirror test-guide check bench simulate clean

help:        ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup:       ## install what is needed, once; seconds when it is there
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is missing. Install it with: apt-get install python3 python3-venv' >&2; exit 1; }
	@$(BASE_PYTHON) -m hacluster_local.setup $(PARTS)

# What only tests need is left to them.
up demo: PARTS ?= python controlplane store machines machine-base

up: setup    ## start the whole system in the background; then: . .local/env (MACHINES=none or qemu, SPEED=n, WITHOUT_OPERATOR=1)
	@$(PYTHON) -m hacluster_local up $(if $(SPEED),--speed $(SPEED)) $(if $(WITHOUT_OPERATOR),--without-operator) $(if $(MACHINES),--machines $(MACHINES))

down: $(if $(wildcard .local/lock),setup) ## end it, and leave nothing behind
	@$(if $(wildcard .local/lock),$(PYTHON) -m hacluster_local down,echo 'Nothing was running.')

demo: setup  ## the story: apply, drift, repair, power loss, move, delete (KEEP=1 leaves it; MACHINES=none: no guests)
	@$(PYTHON) -m hacluster_local demo $(if $(MACHINES),--machines $(MACHINES))

test: setup  ## all tests, on all cores; ARGS='tests/kube -k refused' for some
	@$(PYTHON) -m hacluster_local test -- $(ARGS)

check: setup ## format, lint, types, architecture, generated files
	@$(PYTHON) -m hacluster_local check

test-mirror: setup ## the mirror disk under every failure, on real DRBD in emulated guests and machines
	@$(PYTHON) -m pytest tests/mirror tests/netns/machines/test_emulated.py $(ARGS)

test-guide: setup ## the guide's acceptance on real machines with the guide's own numbers: ten minutes
	@$(PYTHON) -m pytest tests/netns/acceptance/test_as_written.py $(ARGS)

bench: setup ## measure; tables go to docs/benchmarks.md; BENCHES='operator_idle' for some
	@$(PYTHON) -m tests.bench $(BENCHES)

simulate: setup ## seeded schedules against the agent's core: SEEDS=n FROM=s; RECORD=FILE adds up ranges
	@$(PYTHON) -m tests.simulation.compiled --seeds $(SEEDS) --from $(FROM) $(if $(RECORD),--record $(RECORD))

clean: down  ## remove what was made in the checkout; the cache outside stays
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
