"""The plan of the INSERT of enqueue(), which a project's connection keeps."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, connections, transaction
from django.db.backends import utils
from django.test.utils import CaptureQueriesContext

from djtasks.models import TaskRecord
from djtasks.store.postgres import PostgresStore
from djtasks.store.prepared import TIMES_PLANNED
from tests.pgbouncer import needs_a_session
from tests.store.contract.records import insert, new_record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    needs_a_session,
    pytest.mark.usefixtures("servers"),
]


@pytest.fixture
def store() -> PostgresStore:
    connection.close()  # a session that has prepared nothing
    return PostgresStore("default", "default")


def insert_often(store: PostgresStore) -> None:
    for _ in range(TIMES_PLANNED + 2):
        insert(store)


def prepared() -> dict[str, int]:
    """Return how often the statements of this session have run, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, generic_plans + custom_plans FROM pg_prepared_statements")
        return dict(cursor.fetchall())


def test_a_session_keeps_the_plan_once_it_has_inserted_some_records(store: PostgresStore) -> None:
    insert_often(store)

    assert list(prepared().values()) == [2]
    first, last = TaskRecord.objects.order_by("id")[:: TIMES_PLANNED + 1]
    for field in set(TaskRecord._meta.get_fields()):
        if field.name not in ("id", "enqueued_at", "run_after"):
            assert getattr(first, field.name) == getattr(last, field.name)
    assert first.enqueued_at < last.enqueued_at == last.run_after


def test_the_answer_is_the_moment_of_the_record(store: PostgresStore) -> None:
    answers = [store.insert(new_record(store)) for _ in range(TIMES_PLANNED + 2)]

    rows = TaskRecord.objects.in_bulk([answer.id for answer in answers])
    assert [rows[answer.id].enqueued_at for answer in answers] == [a.enqueued_at for a in answers]


def test_text_and_numbers_arrive_as_they_are(store: PostgresStore) -> None:
    insert_often(store)

    id_ = insert(store, queue="Grüße \\'", args='["€\\n"]', priority=-100, max_attempts=32_767)

    row = TaskRecord.objects.get(pk=id_)
    assert (row.queue, row.args) == ("Grüße \\'", ["€\n"])
    assert (row.priority, row.max_attempts) == (-100, 32_767)
    assert list(prepared().values()) == [3]


def test_another_session_begins_anew(store: PostgresStore) -> None:
    insert_often(store)
    connection.close()

    insert(store)
    assert prepared() == {}


@pytest.mark.parametrize("discarding", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_a_plan_that_was_discarded_costs_no_record(store: PostgresStore, discarding: str) -> None:
    insert_often(store)
    with connection.cursor() as cursor:
        cursor.execute(discarding)

    insert_often(store)

    assert TaskRecord.objects.count() == 2 * (TIMES_PLANNED + 2)
    assert prepared() == {}


def test_a_name_that_the_session_has_already_costs_no_record(store: PostgresStore) -> None:
    insert_often(store)

    insert_often(PostgresStore("default", "default"))

    assert TaskRecord.objects.count() == 2 * (TIMES_PLANNED + 2)


@pytest.mark.parametrize(
    "changes", [{"max_attempts": 99_999}, {"args": "no JSON"}, {"queue": "\0"}]
)
def test_what_the_database_refuses_raises_the_error_of_django(
    store: PostgresStore, changes: dict[str, Any]
) -> None:
    for _ in range(TIMES_PLANNED + 1):
        with pytest.raises(DataError):
            insert(store, **changes)
        insert(store)


def test_a_broken_session_raises_the_error_of_django(store: PostgresStore) -> None:
    insert_often(store)
    session: Any = connection.connection
    session.close()

    with pytest.raises(OperationalError):
        insert(store)
    connection.close()
    insert_often(store)

    assert list(prepared().values()) == [2]


def test_a_project_sees_each_insert_that_it_logs_or_wraps(store: PostgresStore) -> None:
    insert_often(store)
    seen: list[str] = []

    def note(execute: Callable[..., Any], statement: str, *more: Any) -> Any:
        seen.append(statement)
        return execute(statement, *more)

    with connection.execute_wrapper(note):
        insert(store)
    with CaptureQueriesContext(connection) as queries:
        insert(store)

    assert len(seen) == 1
    assert len(queries) == 1


def test_a_tool_that_records_statements_sees_each_insert(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_often(store)
    seen: list[str] = []
    execute = utils.CursorWrapper.execute

    @wraps(execute)
    def record(cursor: utils.CursorWrapper, statement: str, parameters: Any = None) -> Any:
        seen.append(statement)
        return execute(cursor, statement, parameters)

    monkeypatch.setattr(utils.CursorWrapper, "execute", record)
    insert(store)

    assert len(seen) == 1


def test_cursors_of_a_tool_are_used(store: PostgresStore) -> None:
    insert(store)
    session: Any = connection.connection
    session.cursor_factory = type("Recorded", (session.cursor_factory,), {"__module__": "tool"})

    insert_often(store)

    assert prepared() == {}


def test_no_plan_is_kept_where_it_could_be_lost_or_missed(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        insert_often(store)
        assert prepared() == {}
    with monkeypatch.context() as pooled:
        pooled.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        insert_often(store)
    assert prepared() == {}
    monkeypatch.setattr(type(connections["default"]), "__module__", "tenants.backend.base")
    insert_often(store)
    assert prepared() == {}
