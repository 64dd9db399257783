"""What the product's operations cost in calls, on every store, and the tables of the docs with these costs."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.support.product import tables
from tests.support.product.backend import Backend
from tests.support.product.backends import BACKENDS
from tests.support.product.budgets import BUDGETS
from tests.support.product.calls import measure

COUNT = 200  # secrets; the table in the docs has 1,000, by the same formulas


def test_costs(request: pytest.FixtureRequest, backend: Backend) -> None:
    """Every operation makes the calls of its formula; if nothing changed, no value is read and nothing is written."""
    costs, budget = measure(backend, COUNT), BUDGETS[request.node.callspec.params["backend"]](COUNT)
    if backend.repeats:
        assert Counter(costs.all_new) >= Counter(budget.all_new)
        costs = replace(costs, all_new=budget.all_new)
    assert costs == budget


def test_all_stores_have_a_budget() -> None:
    """No store is without formulas, and those of all but the one in memory are in the table."""
    assert set(BUDGETS) == set(BACKENDS)
    assert {BUDGETS[store] for store in tables.TITLES} == {BUDGETS[store] for store in set(BACKENDS) - {"memory"}}


def test_the_table_of_calls() -> None:
    """The table in the docs is what a run writes: ``python -m tests.support.product.tables``."""
    assert tables.between(tables.CALLS) == tables.calls_table(tables.budgeted())


def test_the_table_of_capabilities() -> None:
    """The table in the docs is what each driver declares: ``python -m tests.support.product.tables``."""
    assert tables.between(tables.STORES) == tables.stores_table()


@pytest.mark.parametrize("scheme", tables.SCHEMES)
def test_the_tables_of_options_are_generated(scheme: str) -> None:
    """The tables in the docs are what the store types declare: ``python -m tests.support.product.tables``."""
    assert tables.between(tables.options_page(scheme)) == tables.options_table(scheme)
