# `make demo` and `make test` do all of their own set-up; nothing but Python 3.11 and a package registry is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Some machines are told to keep no compiled modules; each process would then compile torch anew, 7 s of CPU.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check types tests clean

demo: $(VENV)/installed
	$(BIN)/handful demo

test: $(VENV)/installed-dev
	$(MAKE) check

check:
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(MAKE) --no-print-directory -j 2 types tests

types:
	$(BIN)/mypy

tests:
	OMP_NUM_THREADS=1 LOKY_MAX_CPU_COUNT=1 $(BIN)/python -m pytest -n auto --dist loadfile  # small data: more is slower; files share fits

# Modules are compiled when they are first imported, which most of what is installed never is.
INSTALL = test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e

$(VENV)/installed: pyproject.toml constraints.txt
	$(INSTALL) .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt
	$(INSTALL) ".[dev,backbones]"
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
