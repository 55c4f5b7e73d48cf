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

.DEFAULT_GOAL := help
.PHONY: help setup tune lessons compare report ui test test-slow test-browser test-all lint docs screenshots bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED) ## make .venv and install everything there, in the versions of constraints.txt

tune: setup ## search, fit the winner, evaluate and register it (EXPERIMENT=, TRIALS=, ARGS=)
	$(BIN)/trialstack tune $(EXPERIMENT) $(if $(TRIALS),--trials $(TRIALS)) $(ARGS)

lessons: setup ## fit the tutorial's ladder of models, and judge its lessons over 50 seeds
	$(BIN)/trialstack train experiments/circles.toml $(ARGS)

compare: setup ## the best trials, the baseline and the final model side by side (NAME=, ARGS=)
	$(BIN)/trialstack compare $(NAME) $(ARGS)

report: setup ## one HTML file that tells all of a search (NAME=, ARGS=)
	$(BIN)/trialstack report $(NAME) $(ARGS)

ui: setup ## look at the runs in MLflow's UI, on this machine only
	$(BIN)/trialstack ui $(ARGS)

test: setup ## the tests, in minutes
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow and not browser' $(ARGS)

test-slow: setup ## the long tests: whole commands, kills, everything that README says
	$(BIN)/python -m pytest $(PARALLEL) -m 'slow and not browser' $(ARGS)

test-browser: $(VENV)/.browser ## MLflow's pages in a headless Chromium; skipped where there is none
	$(BIN)/python -m pytest tests/browser -m browser $(ARGS)

test-all: test test-slow test-browser ## all of them

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

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@
