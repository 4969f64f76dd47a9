"""What people do to schedules, on every database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from djtasks.engine import engine_of
from djtasks.errors import InvalidArguments, InvalidSchedule, UnknownTask
from djtasks.formats.moments import LATEST
from djtasks.models import Schedule, TaskRecord
from djtasks.operations import schedules as operations
from djtasks.operations.schedules import ScheduleDraft
from djtasks.schedules import CatchUp, Every, Once
from djtasks.store import queue_database
from tests.scheduler.making import HOUR, MINUTE, NOON, again, change, runs, schedule

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.usefixtures("database")]

DAILY = Every(timedelta(days=1)).as_dict()
DRAFT = ScheduleDraft(
    backend="default", name="sums", task_path="tests.tasks.add", rule=DAILY, args=[1, 2]
)


def now():
    return engine_of("default").store.now()


def said(**changes):
    """Return what the code says of the schedule that `schedule()` makes."""
    return {
        "name": "sums",
        "backend": "default",
        "task_path": "tests.tasks.add",
        "rule": Every(MINUTE, anchor=NOON).as_dict(),
        "args": [1, 2],
        "kwargs": {},
        "missed": {"policy": "coalesce"},
        "overlap": "allow",
        "jitter": 0.0,
        "starts_at": None,
        "ends_at": None,
        **changes,
    }


def test_a_draft_becomes_a_schedule_that_is_counted_from_now():
    before = now()

    row = operations.save(engine_of("default"), DRAFT)

    assert (row.name, row.args, row.kwargs, row.declared) == ("sums", [1, 2], {}, None)
    assert before < row.next_run_at <= before + timedelta(days=1)
    assert row.created_at >= before
    assert row.is_enabled
    assert row.last_due_at is None


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"rule": {"kind": "moon"}}, InvalidSchedule, "is not a rule"),
        ({"missed": {"policy": "hope"}}, InvalidSchedule, "is not a policy"),
        ({"overlap": "maybe"}, InvalidSchedule, "got 'maybe'"),
        ({"jitter": -MINUTE}, InvalidSchedule, "must not be negative"),
        ({"task_path": "tests.tasks.gone"}, UnknownTask, "No task is registered"),
        ({"args": [1, 2, 3]}, InvalidArguments, "does not accept these arguments"),
        ({"args": [1, object()]}, InvalidArguments, "args.1. is of type object"),
        ({"name": ""}, InvalidSchedule, "must have 1 to 255 characters, got 0"),
        ({"name": "x" * 256}, InvalidSchedule, "must have 1 to 255 characters, got 256"),
        ({"starts_at": NOON, "ends_at": NOON - HOUR}, InvalidSchedule, "cannot end"),
        ({"starts_at": datetime(2026, 5, 1)}, InvalidSchedule, "starts_at .* with a time zone"),
        ({"ends_at": "tomorrow"}, InvalidSchedule, "ends_at .* with a time zone"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(changes, error, complaint):
    with pytest.raises(error, match=complaint):
        operations.save(engine_of("default"), replace(DRAFT, **changes))

    assert not Schedule.objects.using(queue_database()).exists()


def test_a_schedule_without_an_end_may_say_never():
    never = datetime.max.replace(tzinfo=UTC)

    saved = operations.save(engine_of("default"), replace(DRAFT, ends_at=never))

    saved.refresh_from_db()
    assert saved.ends_at == LATEST


def test_a_name_is_taken_once():
    operations.save(engine_of("default"), DRAFT)

    with pytest.raises(InvalidSchedule, match="A schedule named 'sums' already exists"):
        operations.save(engine_of("default"), DRAFT)


def test_another_rule_counts_from_now_and_other_arguments_change_nothing():
    row = schedule(next_run_at=NOON, last_due_at=NOON - MINUTE)
    same = replace(DRAFT, rule=row.rule, args=[3, 4])

    assert operations.save(engine_of("default"), same, schedule=row.pk).next_run_at == NOON
    changed = operations.save(engine_of("default"), replace(same, rule=DAILY), schedule=row.pk)

    assert changed.args == [3, 4]
    assert now() < changed.next_run_at <= now() + timedelta(days=1)
    assert changed.last_due_at == NOON - MINUTE


def test_saving_mends_a_broken_schedule():
    row = schedule(broken="It is.", rule={"kind": "moon"})

    saved = operations.save(engine_of("default"), DRAFT, schedule=row.pk)

    assert saved.broken == ""
    assert saved.next_run_at > now()


def test_a_paused_schedule_stays_paused_when_it_is_saved():
    row = schedule()
    operations.pause(engine_of("default"), row.pk, by="Ada")

    assert operations.save(engine_of("default"), DRAFT, schedule=row.pk).next_run_at is None


def test_the_name_of_a_declared_schedule_is_the_codes():
    row = schedule(declared=said())

    with pytest.raises(InvalidSchedule, match="Change its name and backend there"):
        operations.save(engine_of("default"), replace(DRAFT, name="mine"), schedule=row.pk)


def test_pausing_says_who_and_why_and_resuming_starts_from_now():
    row = schedule()

    assert operations.pause(engine_of("default"), row.pk, by="Ada", reason="no paper")
    assert not operations.pause(engine_of("default"), row.pk, by="Bob")
    paused = again(row)
    assert operations.resume(engine_of("default"), row.pk)
    assert not operations.resume(engine_of("default"), row.pk)

    assert (paused.is_enabled, paused.next_run_at) == (False, None)
    assert (paused.paused_by, paused.paused_reason) == ("Ada", "no paper")
    assert paused.paused_at is not None
    resumed = again(row)
    assert resumed.is_enabled
    assert now() < resumed.next_run_at <= now() + MINUTE
    assert (resumed.paused_by, resumed.paused_at, resumed.paused_reason) == ("", None, "")


def test_resuming_what_is_gone_from_the_code_starts_nothing():
    row = schedule(removed=True, is_enabled=False, next_run_at=None, declared=said())

    assert operations.resume(engine_of("default"), row.pk)

    assert again(row).next_run_at is None


def test_reverting_leaves_no_override():
    row = schedule(
        declared=said(rule=DAILY, jitter=60.0, missed=CatchUp(3).as_dict()), overlap="skip"
    )

    assert operations.revert(engine_of("default"), row.pk)

    reverted = again(row)
    assert (reverted.rule, reverted.overlap) == (DAILY, "allow")
    assert (reverted.jitter, reverted.missed) == (MINUTE, CatchUp(3).as_dict())
    assert reverted.next_run_at > now()


def test_a_schedule_without_code_cannot_be_reverted():
    assert not operations.revert(engine_of("default"), schedule().pk)


def test_what_the_code_declares_is_not_deleted():
    row = schedule(declared=said())

    with pytest.raises(InvalidSchedule, match="would create it again"):
        operations.delete(engine_of("default"), row.pk)
    change(row, removed=True)
    operations.delete(engine_of("default"), row.pk)

    assert not Schedule.objects.using(queue_database()).exists()


def test_deleting_keeps_the_records():
    row = schedule()
    operations.run_now(engine_of("default"), row.pk, by="Ada")

    operations.delete(engine_of("default"), row.pk)

    assert len(runs(row)) == 1


def test_run_now_of_a_unique_task_returns_the_live_one():
    row = schedule(task_path="tests.tasks.only_once", args=["key"])

    first, second = (operations.run_now(engine_of("default"), row.pk, by="Ada") for _ in range(2))

    assert first == second
    assert again(row).last_run == first
    assert again(row).next_run_at == NOON


@pytest.mark.parametrize(
    ("columns", "error"),
    [({"task_path": "tests.tasks.gone"}, UnknownTask), ({"args": [1]}, InvalidArguments)],
)
def test_run_now_says_why_it_cannot(columns, error):
    row = schedule(**columns)

    with pytest.raises(error):
        operations.run_now(engine_of("default"), row.pk, by="Ada")

    assert not TaskRecord.objects.using(queue_database()).exists()


def test_a_schedule_that_fires_once_and_is_over_has_no_next_run():
    assert (
        operations.save(engine_of("default"), replace(DRAFT, rule=Once(NOON).as_dict())).next_run_at
        is None
    )
