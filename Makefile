# Two commands do everything on a machine with python3 (>= 3.11) and make:
#   make reproduce   environment, all sweeps (preset cpu), all figures
#   make test        environment, test suite
PYTHON ?= python3
PRESET ?= cpu
RESULTS ?= results
FIGURES ?= figures/out
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help reproduce smoke test long env check lock clean
.DEFAULT_GOAL := help

help:
	@echo "make reproduce   environment, every sweep (PRESET=cpu), every figure into figures/out/"
	@echo "make test        environment, test suite"
	@echo "make smoke       the same road as reproduce, on grids of seconds"
	@echo "make long        the long statistics"
	@echo "make check       format, lint, types"
	@echo "make env         only the environment, in $(VENV)"
	@echo "make lock        pin the newest allowed versions in requirements.lock"

env: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(f"python >= 3.11 is needed, {sys.version.split()[0]} found: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "environment: creating $(VENV) with $$($(PYTHON) --version) and the versions in requirements.lock"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "environment: ready"

reproduce: env
	@$(BIN)/colora reproduce --preset $(PRESET) --results $(RESULTS) --out $(FIGURES)

smoke: env
	@$(BIN)/colora reproduce --preset smoke --results $(RESULTS) --out $(FIGURES)

test: env
	@echo "tests: running the suite (long statistics: make long)"
	@$(BIN)/python -m pytest -m "not long and not outputs"

long: env
	@$(BIN)/python -m pytest -m long

check: env
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

lock: env
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --upgrade --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements.lock

clean:
	rm -rf $(VENV) results figures/out .jax_cache
