"""Bulk actions: asked for in a moment, done in chunks, each row a compare-and-set."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Max, Min

from djtasks import inspection
from djtasks.engine import Engine, engine_of
from djtasks.errors import BulkActionMoved, InvalidBulkAction, InvalidSelection
from djtasks.formats.ids import new_id
from djtasks.inspection import BulkFacts
from djtasks.models import BulkAction, TaskRecord, WorkerRecord
from djtasks.operations import cancel, pause_queue, start_bulk, stop_bulk
from djtasks.operations.bulk import chunks
from djtasks.operations.bulk import run as bulk
from djtasks.operations.bulk.options import BulkOptions
from djtasks.operations.bulk.run import bulk_task
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, explode, only_once
from tests.worker.making import WORKER

everywhere = pytest.mark.django_db(databases="__all__")
FAILED = {"state": int(State.FAILED)}
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ROWS_A_CHUNK", 2)
    monkeypatch.setattr(bulk, "_IDS_PER_SCAN", 4)


def fail(count: int) -> None:
    explode.enqueue_many([()] * count)
    run_due()


def done(engine: Engine, action: BulkAction) -> BulkFacts:
    """Run what is due and return how far the action is."""
    run_due()
    facts = inspection.bulk_action(engine, action.pk)
    assert facts is not None
    return facts


def states(database: str, **conditions: Any) -> list[State]:
    ours = TaskRecord.objects.using(database).filter(**conditions)
    ours = ours.exclude(task_path__startswith="djtasks.")
    return [State(state) for state in ours.order_by("pk").values_list("state", flat=True)]


@everywhere
def test_everything_that_matches_is_retried_with_changes(database: str) -> None:
    engine = engine_of("default")
    fail(7)
    add.enqueue(1, 2)

    action = start_bulk(
        engine, "retry", FAILED, by="Ada",
        options={"queue": "mail", "priority": 5, "run_after": engine.store.now() + HOUR},
    )  # fmt: skip
    facts = done(engine, action)

    assert (facts.planned, facts.changed, facts.refused, facts.is_over) == (7, 7, 0, True)
    assert (facts.by, facts.share) == ("Ada", 1.0)
    assert states(database, queue="mail", priority=5, attempt=0) == [State.READY] * 7


@everywhere
def test_due_times_are_spread_evenly(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("djtasks.operations.bulk.chunks._A_MOMENT", 1)
    engine = engine_of("default")
    fail(5)
    options = {"run_after": engine.store.now() + HOUR, "spread": 100}

    done(engine, start_bulk(engine, "retry", FAILED, by="Ada", options=options))

    ready = TaskRecord.objects.using(database).filter(state=State.READY)
    moments = sorted(ready.values_list("run_after", flat=True))
    assert [round((at - moments[0]).total_seconds()) for at in moments] == [0, 20, 40, 60, 80]


@everywhere
def test_what_waits_is_cancelled_rescheduled_or_deleted(database: str) -> None:
    engine = engine_of("default")
    add.using(run_after=HOUR).enqueue_many([(1, 2)] * 3)
    ready = {"state": 0, "task_path": add.module_path}
    later = engine.store.now() + 5 * HOUR

    moved = done(
        engine, start_bulk(engine, "reschedule", ready, by="", options={"run_after": later})
    )
    assert moved.changed == TaskRecord.objects.using(database).filter(run_after=later).count() == 3

    kept = done(engine, start_bulk(engine, "delete", ready, by=""))
    assert (kept.changed, kept.refusals) == (0, {"It is not final.": 3})

    cancelled = done(engine, start_bulk(engine, "cancel", ready, by=""))
    assert cancelled.changed == 3
    assert states(database) == [State.CANCELLED] * 3

    gone = done(engine, start_bulk(engine, "delete", {"task_path": add.module_path}, by=""))
    assert gone.changed == 3
    assert states(database) == []


@everywhere
def test_running_records_are_not_discarded(database: str) -> None:
    engine = engine_of("default")
    add.using(run_after=HOUR).enqueue_many([(1, 2)] * 2)
    first = TaskRecord.objects.using(database).order_by("pk")[:1].get()
    TaskRecord.objects.using(database).filter(pk=first.pk).update(
        state=State.RUNNING, worker=WORKER
    )

    facts = done(engine, start_bulk(engine, "discard", {"task_path": add.module_path}, by=""))

    assert (facts.changed, facts.refusals) == (1, {"It is running: cancel it first.": 1})
    assert states(database) == [State.RUNNING]


@everywhere
def test_a_record_whose_key_is_taken_is_left_alone_and_counted(database: str) -> None:
    engine = engine_of("default")
    results = [only_once.using(run_after=HOUR).enqueue(key) for key in ("a", "b")]
    cancel(engine_of("default"), [record.pk for record in TaskRecord.objects.using(database).all()])
    holder = only_once.using(run_after=HOUR).enqueue("a")

    facts = done(engine, start_bulk(engine, "retry", {"state": int(State.CANCELLED)}, by=""))

    assert (facts.changed, facts.refused) == (1, 1)
    assert facts.refusals == {"Another live task holds its unique key.": 1}
    assert states(database, pk=results[0].id) == [State.CANCELLED]
    assert states(database, pk=holder.id) == [State.READY]


def test_records_with_unique_keys_are_retried_together(
    engine: Engine, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        only_once.using(run_after=HOUR).enqueue(str(number))
    ids = list(TaskRecord.objects.values_list("pk", flat=True))
    cancel(engine, ids)

    with django_assert_max_num_queries(10):
        tally = chunks.apply(
            engine, "retry", ids, BulkOptions(run_after=engine.now() + HOUR), window=(0, 1)
        )

    assert tally.changed == 30
    keys = TaskRecord.objects.exclude(unique_key=None).values_list("state", flat=True)
    assert list(keys) == [State.READY] * 30


def test_what_failed_again_meanwhile_or_was_enqueued_later_is_not_touched(engine: Engine) -> None:
    fail(3)
    action = start_bulk(engine, "retry", FAILED, by="")
    explode.enqueue()

    facts = done(engine, action)

    assert facts.changed == 3
    assert states(engine.database) == [State.FAILED] * 4


class Dying:
    """A context whose worker dies behind the first chunk."""

    cancelled = False

    def set_progress(self, done: int, total: int, note: str) -> None:
        raise MemoryError(f"died after {done}")


def test_an_action_goes_on_behind_the_last_chunk_of_a_worker_that_died(engine: Engine) -> None:
    fail(5)
    options = {"run_after": engine.store.now() + HOUR}
    action = start_bulk(engine, "retry", FAILED, by="", options=options)

    with pytest.raises(MemoryError):
        bulk.run_bulk_action(Dying(), str(action.pk))  # type: ignore[arg-type]
    before = inspection.bulk_action(engine, action.pk)
    facts = done(engine, action)

    assert before is not None
    assert (before.changed, before.is_over) == (2, False)
    assert (facts.changed, facts.refused, facts.is_over) == (5, 0, True)


def test_a_second_execution_of_the_same_chunk_leaves_no_trace(engine: Engine) -> None:
    fail(2)
    action = start_bulk(engine, "retry", FAILED, by="", options={"priority": 5})
    ids = list(TaskRecord.objects.filter(state=State.FAILED).values_list("pk", flat=True))
    BulkAction.objects.filter(pk=action.pk).update(cursor=new_id())

    with pytest.raises(BulkActionMoved):
        bulk._do_chunk(engine, action, ids)

    assert states(engine.database, priority=0) == [State.FAILED] * 2


def test_an_action_can_be_stopped(engine: Engine) -> None:
    fail(3)
    action = start_bulk(engine, "retry", FAILED, by="")

    assert stop_bulk(engine, action.pk)
    facts = done(engine, action)

    assert (facts.changed, facts.stopped, facts.is_over) == (0, True, True)
    assert not stop_bulk(engine, action.pk)


def test_the_task_goes_where_a_worker_is_likeliest_to_take_it(engine: Engine) -> None:
    def queue_of() -> str:
        action = start_bulk(engine, "retry", FAILED, by="")
        return TaskRecord.objects.get(pk=action.task).queue

    nobody = queue_of()
    pause_queue(engine, "default", by="Ada")
    paused = queue_of()
    WorkerRecord.objects.create(
        supervisor=new_id(), backend="default", host="h", pid=1, version="1", slots=8,
        queues=["reports"],
    )  # fmt: skip

    assert (nobody, paused, queue_of()) == ("default", "mail", "reports")


def test_nonsense_begins_nothing(engine: Engine) -> None:
    with pytest.raises(InvalidBulkAction):
        start_bulk(engine, "explode", {}, by="")
    with pytest.raises(InvalidSelection):
        start_bulk(engine, "retry", {"nothing": 1}, by="")

    assert not BulkAction.objects.exists()
    assert not TaskRecord.objects.exists()


def test_the_newest_actions_are_told_first(engine: Engine) -> None:
    actions = [start_bulk(engine, "cancel", {}, by=name) for name in ("Ada", "Bob")]

    told = inspection.bulk_actions(engine, limit=1)

    assert [facts.id for facts in told] == [actions[1].pk]
    assert inspection.bulk_action(engine, new_id()) is None


def test_its_task_is_made_for_any_alias() -> None:
    assert bulk_task("anything").queue_name == "default"
    assert bulk_task("polled").backend == "polled"


def test_a_spread_ends_within_its_span(engine: Engine) -> None:
    fail(4)
    start = engine.store.now() + HOUR
    options = {"run_after": start, "spread": 60}

    done(engine, start_bulk(engine, "retry", FAILED, by="", options=options))

    ends = TaskRecord.objects.filter(state=State.READY).aggregate(
        first=Min("run_after"), last=Max("run_after")
    )
    assert ends["first"] == start
    assert ends["last"] < start + timedelta(seconds=60)
