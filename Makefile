# The two commands: `make demo` runs the main job, `make test` passes the tests. Both set up all that they need.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint types pytest coverage benchmarks clean

demo: $(VENV)/installed
	$(BIN)/python examples/shop/walk.py

test: lint types pytest

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy
	$(BIN)/pyright

pytest: $(VENV)/installed
	$(BIN)/pytest

coverage: $(VENV)/installed
	$(BIN)/pytest --cov --cov-report=term

benchmarks: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
