# What one does with a clone. Every target installs what it needs first; variables:
#   EXPERIMENT=experiments/circles_search.toml   what `make tune` searches
#   NAME=circles-search                          what `make compare` and `make report` are about
#   TRIALS=5                                     how many trials; the file's own number by default
#   ARGS="--fresh"                               more options for trialstack, pytest or a script
#   PYTHON=python3.12                            what .venv is made with (3.11, 3.12 or 3.13)

EXPERIMENT ?= experiments/breast_cancer.toml
# Not ?=: some shells have a variable NAME of their own.
NAME       := breast-cancer
VENV       := .venv
BIN        := $(VENV)/bin
# Two processes, each with whole files: what a file's tests share is made once.
PARALLEL   := -n 2 --dist loadfile
INSTALLED  := $(VENV)/.installed
IS_USABLE  := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
PYTHON     ?= $(shell for each in python3.11 python3.12 python3.13 python3 python; do \
                $$each $(IS_USABLE) && echo $$each && break; done)

# What `make server` is told goes on by the environment, as it is: everyone on a machine can read
# command lines, and a password may have a dollar.
define told
$(1) :=
ifdef $(1)
server: export TRIALSTACK_$(1) := $$(value $(1))
endif
endef
$(foreach each,DATABASE ARTIFACTS HOST PORT ALLOWED_HOSTS,$(eval $(call told,$(each))))

.DEFAULT_GOAL := help
.PHONY: help setup tune lessons large compare report ui server test test-slow test-browser test-faults test-faults-quick test-server test-all lint docs screenshots bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED) ## make .venv and install everything there, in the versions of constraints.txt

tune: setup ## search, fit the winner, evaluate and register it (EXPERIMENT=, TRIALS=, ARGS=)
	$(BIN)/trialstack tune $(EXPERIMENT) $(if $(TRIALS),--trials $(TRIALS)) $(ARGS)

lessons: setup ## fit the tutorial's ladder of models, and judge its lessons over 50 seeds
	$(BIN)/trialstack train experiments/circles.toml $(ARGS)

large: setup experiments/large.parquet ## search a table of a million rows, which is generated first (ARGS=)
	$(BIN)/trialstack tune experiments/large.toml $(ARGS)

compare: setup ## the best trials, the baseline and the final model side by side (NAME=, ARGS=)
	$(BIN)/trialstack compare $(NAME) $(ARGS)

report: setup ## one HTML file that tells all of a search (NAME=, ARGS=)
	$(BIN)/trialstack report $(NAME) $(ARGS)

ui: setup ## look at the runs in MLflow's UI, on this machine only
	$(BIN)/trialstack ui $(ARGS)

server: $(VENV)/.server ## an MLflow server for a team, on PostgreSQL (DATABASE=, ARTIFACTS=, PORT=, ARGS=)
	$(BIN)/trialstack server $(ARGS)

test: setup ## the tests, in minutes
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow and not browser and not server and not faults' $(ARGS)

test-slow: setup ## the long tests: whole commands, kills, everything that README says
	$(BIN)/python -m pytest $(PARALLEL) -m 'slow and not browser and not server and not faults' $(ARGS)

test-browser: $(VENV)/.browser ## MLflow's pages in a headless Chromium; skipped where there is none
	$(BIN)/python -m pytest tests/browser -m browser $(ARGS)

test-server: $(VENV)/.server ## a team's server on PostgreSQL; skipped where there is none
	$(BIN)/python -m pytest tests/server -m server $(ARGS)

test-faults: setup ## searches killed, interrupted, out of disk, in pairs (SEED=, KILLS=; half an hour)
	SEED=$(SEED) KILLS=$(KILLS) $(BIN)/python -m pytest tests/faults -m faults $(ARGS)

test-faults-quick: setup ## the quick half of it, in minutes
	$(BIN)/python -m pytest tests/faults $(PARALLEL) -m 'faults and not slow' $(ARGS)

test-all: test test-slow test-browser test-server test-faults ## all of them

lint: setup ## ruff and mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(VENV)/.docs ## build the documentation into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet $(ARGS)
	@echo "open build/site/index.html"

screenshots: $(VENV)/.browser ## take the pictures of docs/images anew
	PYTHONPATH=docs $(BIN)/python tests/browser/screenshots.py

bench: setup ## all benchmarks; writes benchmarks/RESULTS.md (half an hour)
	$(BIN)/python benchmarks/results.py $(ARGS)

clean: ## remove what make has made: .venv, builds, caches; never mlruns
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
	find . -path ./mlruns -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

experiments/large.parquet: | $(INSTALLED)
	$(BIN)/python experiments/make_large.py

$(INSTALLED): pyproject.toml constraints.txt
	@{ $(PYTHON) $(IS_USABLE); } || { echo "error: PYTHON='$(PYTHON)' is no Python 3.11 to 3.13;" \
	  "install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "installing into $(VENV) with $(PYTHON); the first time takes some minutes" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.browser: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	@touch $@

$(VENV)/.server: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]'
	@touch $@

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@
