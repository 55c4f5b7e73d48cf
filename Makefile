# What one does with a clone. Every target installs what it needs first; variables:
#   EXPERIMENT=experiments/circles_search.toml   what `make tune` searches
#   NAME=circles-search                          what `make compare` compares
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
.PHONY: help setup tune lessons compare ui test test-slow test-all lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED) ## make .venv and install everything there, in the versions of constraints.txt

tune: setup ## search, fit the winner, evaluate and register it (EXPERIMENT=, TRIALS=, ARGS=)
	$(BIN)/trialstack tune $(EXPERIMENT) $(if $(TRIALS),--trials $(TRIALS)) $(ARGS)

lessons: setup ## fit the tutorial's ladder of models, and judge its lessons over 50 seeds
	$(BIN)/trialstack train experiments/circles.toml $(ARGS)

compare: setup ## the best trials, the baseline and the final model side by side (NAME=, ARGS=)
	$(BIN)/trialstack compare $(NAME) $(ARGS)

ui: setup ## look at the runs in MLflow's UI, on this machine only
	$(BIN)/trialstack ui $(ARGS)

test: setup ## the tests, in minutes
	$(BIN)/python -m pytest $(PARALLEL) -m 'not slow and not browser' $(ARGS)

test-slow: setup ## the long tests: whole commands, kills, everything that README says
	$(BIN)/python -m pytest $(PARALLEL) -m 'slow and not browser' $(ARGS)

test-all: setup ## all tests: the long ones too, and those in a headless Chromium
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

lint: setup ## ruff and mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

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
