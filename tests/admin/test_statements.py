"""Every page asks the database a bounded number of questions, whatever it shows."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from djtasks.engine import Engine
from djtasks.inspection import CHART_RANGES
from tests.admin.expectations import address, names
from tests.admin.incident import Incident
from tests.admin.stage import Stage, set_up

MOST = 15
# The panel of workflows, on the page that has two panels.
MORE = {"djtasks_overview": 5}
# A count of members has its own time limit, within a savepoint where the page is in a transaction.
_NO_QUESTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "SELECT current_setting(")


@pytest.fixture
def shop(engine: Engine) -> Stage:
    Incident(engine).happen()
    return set_up(engine)


def statements(admin: Client, where: str, **query: Any) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert admin.get(where, query or None).status_code == 200, where
    asked = [query["sql"] for query in queries.captured_queries]
    return [statement for statement in asked if not statement.startswith(_NO_QUESTIONS)]


@pytest.mark.usefixtures("servers")
def test_every_page_takes_few_statements(admin: Client, shop: Stage) -> None:
    counts = {}
    for name in names(shown=True):
        statements(admin, address(name, shop))  # what a process asks once
        counts[name] = len(statements(admin, address(name, shop)))

    many = {name: count for name, count in counts.items() if count > MOST + MORE.get(name, 0)}
    assert many == {}


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("span", CHART_RANGES)
def test_the_overview_takes_few_statements_over_any_span(
    admin: Client, shop: Stage, span: str
) -> None:
    name = "djtasks_overview"
    where = address(name, shop)
    statements(admin, where)

    assert len(statements(admin, where, span=span)) <= MOST + MORE[name]
