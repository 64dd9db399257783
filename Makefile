# `make` prints what there is. Everything below sets itself up in .venv, for the Python that PYTHON names.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
READY = $(VENV)/installed-$(VERSION)
DEMO = .venv-demo
LOWEST = .venv-lowest
# Old versions of Google's packages announce the end of old Pythons.
OLD_PYTHON = ignore::FutureWarning:google.api_core._python_version_support
DEMO_READY = $(DEMO)/installed-$(VERSION)
WORKERS ?= 6
PYTEST = $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal
ARGS ?=

# Where this is set, each process that a test starts compiles all that it imports, which doubles the time of a run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help again lowest demo quick test lint types mypy pyright unit test-cli test-file test-vault test-aws test-gcp test-azure \
	test-product test-docs coverage benchmarks docs serve picture dist check-python clean

help:  ## print this list
	@echo 'usage: make TARGET [ARGS="more arguments for pytest"] [PYTHON=python3.12]'
	@echo
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## run the whole job on an example app, in an empty folder that is deleted afterwards
	@$(DEMO)/bin/python examples/shop/walk.py

quick: WORKERS = 3
quick: lint  ## lint, check the types of the product, run the unit tests but those of the examples: a minute
	@$(BIN)/mypy tailorsecrets plugins & types=$$!; \
	$(PYTEST) tests/unit tests/test_house.py -q -m "not type_checker" --ignore-glob "*examples.py" $(ARGS); unit=$$?; wait $$types && exit $$unit

test: $(READY)  ## run everything that a change must pass
	@$(MAKE) --no-print-directory --jobs 2 lint pyright mypy docs
	$(PYTEST) $(ARGS)

again: $(READY)  ## run once more, one after the other, the tests that failed in the last run
	$(BIN)/pytest --last-failed --last-failed-no-failures none $(ARGS)

lint: $(READY)  ## check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: mypy pyright  ## check all types

mypy: $(READY)  ## check all types with mypy
	@$(BIN)/mypy

pyright: $(READY)  ## check all types with pyright
	@$(BIN)/pyright --pythonpath $(BIN)/python

unit: $(READY)  ## run the unit tests
	$(PYTEST) tests/unit tests/test_house.py $(ARGS)

test-cli: $(READY)  ## run the tests of the command line
	$(PYTEST) tests/cli $(ARGS)

test-file test-vault test-aws test-gcp test-azure: test-%: $(READY)  ## run the tests of one store
	$(PYTEST) tests/stores/$* $(ARGS)

test-product: $(READY)  ## run the tests of the whole product on every store
	$(PYTEST) tests/product $(ARGS)

test-docs: $(READY)  ## run the examples of README and docs
	$(PYTEST) README.md docs $(ARGS)

coverage: $(READY)  ## run all tests and print the branches that none of them takes
	$(PYTEST) --cov --cov-report=term $(ARGS)

lowest: check-python  ## run all tests with the oldest versions of the run-time dependencies that pyproject.toml allows
	@rm -rf $(LOWEST) && $(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(LOWEST)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --extra all \
		--output-file $(LOWEST)/oldest.txt pyproject.toml
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --constraint $(LOWEST)/oldest.txt --editable '.[dev]'
	PYTHONWARNINGS=$(OLD_PYTHON) $(LOWEST)/bin/pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

benchmarks: $(READY)  ## measure, and compare with the budgets; use a quiet machine
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(READY)  ## build the documentation site into site/, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

serve: $(READY)  ## show the documentation site on http://127.0.0.1:8000
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

picture: $(READY)  ## draw the pictures of the docs: docs/plan.svg, and docs/status.png with Chromium
	$(BIN)/python docs/picture.py
	$(BIN)/python docs/status_picture.py

dist: $(READY)  ## build sdist and wheel into dist/
	$(BIN)/python -m build

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tailorsecrets needs Python 3.11 or later; $(PYTHON) is %s. Name another one: make demo PYTHON=python3.12" % sys.version.split()[0])'

$(READY): pyproject.toml | check-python
	@echo 'setting up $(VENV) for Python $(VERSION), once'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	@touch $@

$(DEMO_READY): pyproject.toml | check-python
	@echo 'setting up $(DEMO) for Python $(VERSION), once; it holds tailorsecrets and what the demo needs'
	@rm -rf $(DEMO)
	@$(PYTHON) -m venv --without-pip $(DEMO)
	@if uv --version >/dev/null 2>&1; then \
		install="uv pip install --python $(DEMO)/bin/python"; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		install="$(PYTHON) -m pip --python $(DEMO)/bin/python install --disable-pip-version-check"; \
	else \
		$(DEMO)/bin/python -m ensurepip >/dev/null; \
		install="$(DEMO)/bin/python -m pip install --disable-pip-version-check"; \
	fi; \
	$$install --quiet --editable . pexpect
	@touch $@

clean:  ## delete the environments and everything that was built
	rm -rf $(VENV) $(DEMO) $(LOWEST) build dist site
