"""enqueue → JSON → worker → result, for a value of every type, on every database."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests import typed_tasks
from tests.conftest import DATABASES, require
from tests.typed_tasks import INSTANCES, TASKS, VALUES

pytestmark = pytest.mark.django_db(databases="__all__")


class Everything:
    """Sends the tables of djtasks and of the tests to one database."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self.alias

    db_for_write = db_for_read


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, db: Any) -> Iterator[str]:
    alias = require(request.param)
    typed_tasks.received.clear()
    with override_settings(DATABASE_ROUTERS=[Everything(alias)]):
        yield alias


@pytest.mark.parametrize("name", VALUES)
def test_a_value_arrives_equal_and_of_its_type(database: str, name: str) -> None:
    value = VALUES[name][1]

    task = TASKS[name]
    waiting = task.enqueue(value)
    task.enqueue(value=value)
    results = run_due()

    assert [one.errors for one in results] == [[], []]
    for got in [*typed_tasks.received, *(one.return_value for one in results)]:
        assert got == value
        assert type(got) is type(value) or name == "abstract_set"
    row = TaskRecord.objects.get(pk=waiting.id)
    assert waiting.args == row.args == json.loads(json.dumps(row.args))
    assert results[0].args == row.args


@pytest.mark.parametrize("name", INSTANCES)
def test_a_model_instance_arrives_loaded_anew(database: str, name: str) -> None:
    value = INSTANCES[name][1]()

    TASKS[name].enqueue(value)
    with CaptureQueriesContext(connections[database]) as queries:
        result = run_due()[0]

    assert result.errors == []
    [got] = typed_tasks.received
    assert got == value
    assert result.return_value == value
    assert got is not value or value is None
    loads = [one for one in queries if "tests_" in one["sql"]]
    assert len(loads) == {"no_model": 0, "in_a_dataclass": 2, "in_a_tuple": 2}.get(name, 1)
