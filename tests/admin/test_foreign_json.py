"""Rows whose JSON has another shape than ours, as somebody else may have stored it."""

from typing import Any

import pytest
from django.db import models
from django.test import Client

from djtasks.engine import Engine
from djtasks.models import BulkAction, Schedule, TaskRecord, TaskStatistics, WorkerRecord
from tests.admin.expectations import address, names
from tests.admin.stage import Stage, set_up

FOREIGN: dict[str, Any] = {
    "object": {"a": [1]},
    "list": [1, None, "x", {"class": 1}],
    "text": "text",
    "number": 7,
    "true": True,
    "nothing": [],
}
TABLES = (TaskRecord, BulkAction, Schedule, WorkerRecord, TaskStatistics)


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return set_up(engine)


def json_columns(table: type[models.Model]) -> list[str]:
    return [one.name for one in table._meta.fields if isinstance(one, models.JSONField)]


def broken(client: Client, stage: Stage) -> list[str]:
    """Return where a page fails."""
    found = []
    for name in names(shown=True):
        where = address(name, stage)
        try:
            answer = client.get(where)
            if answer.streaming:
                answer.getvalue()
        except Exception as error:  # noqa: BLE001 - whatever it is
            found.append(f"{where}: {error!r}")
    for where in (address("djtasks_export", stage), address("djtasks_taskrecord_download", stage)):
        try:
            client.get(where).getvalue()
        except Exception as error:  # noqa: BLE001 - whatever it is
            found.append(f"{where}: {error!r}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("shape", FOREIGN)
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_no_page_fails_because_of_json_of_another_shape(
    admin: Client, stage: Stage, table: type[models.Model], shape: str
) -> None:
    table._base_manager.update(**dict.fromkeys(json_columns(table), FOREIGN[shape]))

    assert broken(admin, stage) == []
