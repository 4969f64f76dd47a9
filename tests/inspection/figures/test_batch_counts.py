"""Many questions with one statement, on every database."""

from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from djtasks import inspection
from djtasks.engine import engine_of
from djtasks.inspection.figures.batch_counts import counts_of, first_moments
from djtasks.models import TaskRecord
from tests.tasks import add

pytestmark = pytest.mark.django_db(databases="__all__")


def test_rows_are_counted_query_by_query_with_one_statement(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection.figures.batch_counts, "COUNT_LIMIT", 3)
    add.enqueue_many([(1, 2)] * 5)
    add.using(queue_name="mail").enqueue_many([(1, 2)] * 2)
    rows = TaskRecord.objects.using(database)
    asked = [rows.filter(queue=name) for name in ("mail", "default", "it's 100 % empty")]

    with CaptureQueriesContext(connections[database]) as queries:
        found = counts_of(engine_of("default"), [*asked, rows.none()])

    assert found == [2, 3, 0, 0]
    assert len(queries) == 1


def test_first_moments_are_aware_and_none_without_a_row(database: str) -> None:
    early = TaskRecord.objects.using(database).get(pk=add.enqueue(1, 2).id)
    add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    due = TaskRecord.objects.using(database).order_by("run_after").values("run_after")

    found = first_moments(engine_of("default"), [due, due.filter(queue="mail"), due.none()])

    assert found == [early.run_after, None, None]


def test_nothing_asked_costs_nothing(database: str) -> None:
    with CaptureQueriesContext(connections[database]) as queries:
        assert counts_of(engine_of("default"), []) == []

    assert len(queries) == 0
