"""Selections: filters that survive JSON, and name only what a record has."""

import json
from datetime import timedelta
from typing import Any

import pytest

from djtasks.engine import engine_of
from djtasks.errors import InvalidSelection
from djtasks.models import TaskRecord
from djtasks.operations import selected
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, explode

pytestmark = pytest.mark.django_db(databases="__all__")


def count(selection: Any) -> int:
    found: int = selected(engine_of("default"), json.loads(json.dumps(selection))).count()
    return found


def test_a_selection_is_made_of_lookups(database: str) -> None:
    explode.enqueue("one")
    explode.enqueue("two")
    run_due()
    first = add.using(queue_name="mail", priority=5).enqueue(1, 2)
    add.using(run_after=timedelta(hours=1)).enqueue(3, 4)
    add.using(backend="polled").enqueue(1, 2)
    moment = TaskRecord.objects.using(database).get(pk=first.id).enqueued_at.isoformat()

    assert count({}) == 4
    assert count({"state": int(State.FAILED)}) == 2
    assert count({"state": [0, 3], "queue": ["default"]}) == 3
    assert count({"any": [{"queue": "mail"}, {"state": 3}]}) == 3
    assert count({"all": [{"queue": "default"}, {"state": 3}], "search": "words"}) == 2
    assert count({"not": {"queue": "mail"}}) == 3
    assert count({"pk": [first.id]}) == count({"id": first.id}) == 1
    assert count({"run_after__gt": moment}) == 1
    assert count({"task_path__startswith": "tests.tasks.add", "priority__gt": 0}) == 1
    assert count({"waited__lt": 3600, "state": 3}) == count({"ran__gt": 0}) == 2
    assert count({"waited__gt": 3600}) == count({"pk": []}) == 0


@pytest.mark.parametrize(
    "selection",
    [
        {"password": "x"}, {"worker__host": "x"}, {"state": "many"}, {"id": "x"},
        {"enqueued_at__gt": "yesterday"}, {"any": []}, {"any": {"state": 3}}, {"all": []},
        {"not": [1]},
        {"queue__nothing": 1}, {"waited__gt": "long"}, "queue = mail", {"state__in": 5},
        {"queue": "nul\x00"}, {"ran__gt": float("nan")},
    ],
)  # fmt: skip
def test_what_is_no_selection_is_refused_before_it_is_asked(selection: Any, db: None) -> None:
    with pytest.raises(InvalidSelection):
        selected(engine_of("default"), selection)
