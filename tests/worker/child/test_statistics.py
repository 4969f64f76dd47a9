"""What a child gathers of its attempts, and what becomes of it when the database is away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from djtasks.engine import Engine
from djtasks.errors import WorkerLost
from djtasks.inspection import failures, overview
from djtasks.inspection.attempts import attempts_of
from djtasks.inspection.timeline import timeline_of
from djtasks.models import FailureGroup, TaskRecord, TaskStatistics
from djtasks.protocol.recovery import Departure
from djtasks.protocol.states import State
from djtasks.store import statistics as tables
from djtasks.store import workers
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.running import ThreadGate, Work
from djtasks.worker.child.statistics import Statistics, count_failures
from djtasks.worker.supervisor.departures import publish
from tests.tasks import add, asks_for_retry, cancels_itself, explode, never_twice
from tests.worker.making import WORKER, claim_all


@pytest.fixture
def gathered(engine: Engine) -> Statistics:
    return Statistics(engine, WORKER)


def finish_all(engine: Engine) -> list[Finished]:
    """Run whatever is due and settle it, as a child would."""
    pipeline = Pipeline(engine.store, WORKER)
    done = [pipeline.run(Work.of(claim), ThreadGate()) for claim in claim_all(WORKER)]
    engine.store.settle([finished.settlement for finished in done], worker=WORKER)
    return done


def counts() -> dict[str, tuple[int, ...]]:
    rows = TaskStatistics.objects.values_list(
        "task_path", "successful", "failed", "retried", "cancelled", "expired"
    )
    return {path.rpartition(".")[2]: tuple(figures) for path, *figures in rows}


def test_attempts_are_counted_by_what_became_of_them(engine: Engine, gathered: Statistics) -> None:
    add.enqueue_many([(1, 2)] * 3)
    explode.enqueue()
    asks_for_retry.enqueue(60)
    cancels_itself.enqueue("enough")
    add.using(queue_name="mail", expires=timedelta(microseconds=1)).enqueue(1, 2)

    gathered.settled(finish_all(engine))
    gathered.hurry()
    gathered.tick()

    assert gathered.is_idle
    mail = TaskStatistics.objects.get(queue="mail")
    assert (mail.expired, mail.waits, mail.runs) == (1, {}, {})
    mail.delete()
    assert counts() == {
        "add": (3, 0, 0, 0, 0),
        "explode": (0, 1, 0, 0, 0),
        "asks_for_retry": (0, 0, 1, 0, 0),
        "cancels_itself": (0, 0, 0, 1, 0),
    }


def test_times_are_put_into_histograms(engine: Engine, gathered: Statistics) -> None:
    add.using(run_after=timedelta(seconds=-100)).enqueue(1, 2)

    gathered.settled(finish_all(engine))
    gathered.hurry()
    gathered.tick()

    row = TaskStatistics.objects.get()
    assert row.worker == WORKER
    assert 100 <= row.wait_sum < 130
    assert sum(row.waits.values()) == sum(row.runs.values()) == 1


def test_nothing_is_written_before_it_is_time(engine: Engine, gathered: Statistics) -> None:
    add.enqueue(1, 2)
    gathered.settled(finish_all(engine))

    assert not gathered.is_idle
    assert not TaskStatistics.objects.exists()


def test_what_the_database_did_not_take_is_written_once_it_is_back(
    engine: Engine, gathered: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    add.enqueue(1, 2)
    explode.enqueue()
    gathered.settled(finish_all(engine))
    insert = tables.insert

    def lost(*arguments: Any) -> None:
        insert(*arguments)
        raise OperationalError("the answer got lost")

    gathered.hurry()
    with monkeypatch.context() as patched:
        patched.setattr(tables, "insert", lost)
        with pytest.raises(OperationalError):
            gathered.tick()
    add.enqueue(1, 2)
    gathered.settled(finish_all(engine))
    gathered.hurry()
    gathered.tick()

    rows = TaskStatistics.objects.values_list("task_path", "successful", "failed")
    assert sorted(rows) == [
        ("tests.tasks.add", 1, 0),
        ("tests.tasks.add", 1, 0),
        ("tests.tasks.explode", 0, 1),
    ]
    assert FailureGroup.objects.get().failed == 1


def test_failures_of_one_kind_are_one_group_with_its_records(
    engine: Engine, gathered: Statistics
) -> None:
    ids = {UUID(explode.enqueue(message).id) for message in ("one", "two")}
    asks_for_retry.enqueue(60)

    gathered.settled(finish_all(engine))
    gathered.hurry()
    gathered.tick()

    groups = failures(engine, engine.store.now() - timedelta(hours=1))
    (group,) = [g for g in groups if g.exception == "builtins.ValueError"]
    (retried,) = [g for g in groups if g.exception == "djtasks.errors.Retry"]
    assert (group.failed, group.retried, group.is_new) == (2, 0, True)
    assert (retried.failed, retried.retried) == (0, 1)
    assert group.place.startswith("tests/tasks.py:")
    assert group.by_hour[-2:] in ([0, 2], [2, 0])
    records = TaskRecord.objects.filter(fingerprint=group.fingerprint, state=State.FAILED)
    assert set(records.values_list("pk", flat=True)) == ids


def test_a_record_lost_with_its_worker_is_a_failure_too(engine: Engine) -> None:
    never_twice.enqueue("/nowhere")
    claim_all(WORKER)

    released = workers.leave(engine.database, WORKER, Departure(crashed=True))
    publish(engine, released)

    (group,) = failures(engine, engine.store.now() - timedelta(hours=1))
    assert group.exception == f"{WorkerLost.__module__}.WorkerLost"
    assert group.failed == 1
    assert TaskRecord.objects.get().fingerprint == group.fingerprint
    assert counts() == {"never_twice": (0, 1, 0, 0, 0)}
    [failing] = overview(engine).most_failing
    assert failing.task_path == "tests.tasks.never_twice"
    [attempt] = attempts_of(TaskRecord.objects.get(), engine.now())
    assert attempt.outcome == "lost"
    assert attempt.started_at is not None
    assert "attempt" in [one.kind for one in timeline_of(TaskRecord.objects.get(), engine.now())]


def test_a_database_that_does_not_take_a_count_stops_nobody(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    explode.enqueue()
    done = finish_all(engine)

    def away(*_arguments: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(tables, "count_failure", away)
    monkeypatch.setattr("djtasks.worker.child.statistics.close_quietly", lambda _database: None)
    count_failures(engine, [finished.settlement for finished in done])

    assert "Failures not counted count=1" in caplog.text
