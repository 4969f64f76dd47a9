"""Texts that a database refuses: they are written escaped, and hold nothing else up."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError, connections
from django.test import override_settings
from msgspec import structs

from djtasks.engine import Engine, engine_of
from djtasks.models import FailureCount, FailureGroup, TaskRecord
from djtasks.protocol.states import State
from djtasks.store.escaping import escaped_json, write_each
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.running import Work
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.housekeeper import Housekeeper
from djtasks.worker.child.settler import Settler
from djtasks.worker.child.statistics import Statistics, count_failures
from tests.conftest import require
from tests.routing import Home
from tests.tasks import explode, needs_context
from tests.worker.making import WORKER, claim_all

PARTY, ESCAPED = "🎉", "\\U0001f389"
pytestmark = [
    pytest.mark.django_db(databases="__all__", transaction=True),
    pytest.mark.usefixtures("servers"),
]
# PostgreSQL cannot change the character set of a table, so a condition refuses what LATIN1 lacks.
_ASCII = "ALTER TABLE {} ADD CONSTRAINT ascii_only CHECK ({}::text !~ '[^[:ascii:]]')"
_ANY = "ALTER TABLE {} DROP CONSTRAINT ascii_only"
_UTF8MB3 = "ALTER TABLE {} MODIFY {} varchar(500) CHARACTER SET utf8mb3 NOT NULL"
_UTF8MB4 = "ALTER TABLE {} MODIFY {} varchar(500) CHARACTER SET utf8mb4 NOT NULL"


def alter(alias: str, statement: str, *names: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement.format(*names))


@pytest.fixture(params=["default", "mariadb"])
def engine(request: pytest.FixtureRequest, transactional_db: Any) -> Iterator[Engine]:
    """An engine whose database has no emoji in the messages of failures."""
    alias = require(request.param)
    is_mysql = connections[alias].vendor == "mysql"
    narrow, wide = (_UTF8MB3, _UTF8MB4) if is_mysql else (_ASCII, _ANY)
    alter(alias, narrow, "djtasks_failuregroup", "message")
    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        yield engine_of("default")
    alter(alias, wide, "djtasks_failuregroup", "message")


@pytest.fixture
def ascii_records(live_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine whose records take no emoji in this column."""
    alter("default", _ASCII, "djtasks_taskrecord", request.param)
    yield live_engine
    alter("default", _ANY, "djtasks_taskrecord", request.param)


def run_all(engine: Engine) -> list[Finished]:
    pipeline = Pipeline(engine.store, WORKER)
    return [execute_here(pipeline, claim) for claim in claim_all(WORKER)]


def test_a_message_that_the_database_cannot_store_stops_no_statistics(engine):
    explode.enqueue(PARTY)
    explode.using(queue_name="mail").enqueue("plain")
    gathered = Statistics(engine, WORKER)
    for finished in run_all(engine):
        engine.store.settle([finished.settlement], worker=WORKER)
        gathered.settled([finished])

    gathered.hurry()
    gathered.tick()

    assert gathered.is_idle
    assert FailureCount.objects.get().failed == FailureGroup.objects.get().failed == 2


def test_such_a_message_is_stored_with_escapes(engine):
    explode.enqueue(f"a {PARTY}")
    [finished] = run_all(engine)

    count_failures(engine, [finished.settlement])
    count_failures(engine, [finished.settlement])

    assert FailureGroup.objects.get().message == f"a {ESCAPED}"
    assert FailureGroup.objects.get().failed == FailureCount.objects.get().failed == 2


@pytest.mark.parametrize("ascii_records", ["progress"], indirect=True)
def test_a_progress_note_that_cannot_be_stored_fails_no_task(ascii_records):
    needs_context.enqueue("ada")
    holdings = Holdings()
    settler = Settler(ascii_records.store, WORKER, holdings, on_settled=[])
    pipeline = Pipeline(ascii_records.store, WORKER)
    [claim] = claim_all(WORKER)
    holdings.add(claim)
    finished = execute_here(pipeline, claim)
    progress = json.dumps({"note": f"now {PARTY}"}, ensure_ascii=False)
    noted = structs.replace(finished.settlement, progress=progress)
    settler.put(structs.replace(finished, settlement=noted))

    settler.tick()

    row = TaskRecord.objects.get()
    assert State(row.state) is State.SUCCESSFUL
    assert row.progress == {"note": f"now {ESCAPED}"}
    assert len(holdings) == 0


@pytest.mark.parametrize("ascii_records", ["errors"], indirect=True)
def test_an_error_that_cannot_be_stored_keeps_its_class_and_message(ascii_records):
    explode.enqueue(PARTY)
    [finished] = run_all(ascii_records)
    holdings = Holdings()
    holdings.add(finished.claim)
    settler = Settler(ascii_records.store, WORKER, holdings, on_settled=[])
    settler.put(finished)

    settler.tick()

    [error] = TaskRecord.objects.get().errors
    assert error["class"] == "builtins.ValueError"
    assert error["message"] == ESCAPED


@pytest.mark.parametrize("ascii_records", ["progress"], indirect=True)
def test_a_running_tasks_note_that_cannot_be_stored_holds_up_no_other(ascii_records):
    explode.enqueue_many([()] * 2)
    pipeline = Pipeline(ascii_records.store, WORKER)
    running = [pipeline.begin(Work.of(claim)) for claim in claim_all(WORKER)]
    for attempt, note in zip(running, (PARTY, "plain"), strict=True):
        attempt.report({"note": note})
    housekeeper = Housekeeper(
        ascii_records.store,
        WORKER,
        Holdings(),
        running=lambda: running,
        every=timedelta(seconds=5),
        report=lambda _facts: None,
    )

    housekeeper.tick()

    notes = TaskRecord.objects.values_list("progress__note", flat=True)
    assert sorted(notes) == [ESCAPED, "plain"]


def test_every_text_in_json_is_escaped():
    assert escaped_json('{"ä": ["🎉", 1, null, {"x": "é"}]}') == (
        '{"\\\\xe4": ["\\\\U0001f389", 1, null, {"x": "\\\\xe9"}]}'
    )


def test_what_is_refused_twice_is_left_out_and_the_rest_is_written(caplog):
    written: list[str] = []

    def write(items: Any) -> None:
        if "bad" in items:
            raise DataError
        written.extend(items)

    write_each(write, ["a", "bad", "b"], escape=lambda text: text)

    assert written == ["a", "b"]
    assert "left out" in caplog.text


def test_a_database_that_is_away_is_no_refusal():
    def write(_items: Any) -> None:
        raise OperationalError("server closed the connection")

    with pytest.raises(OperationalError):
        write_each(write, ["a"], escape=lambda text: text)
