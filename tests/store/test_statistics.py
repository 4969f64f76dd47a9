"""Statistics in the database: added once, folded without loss, read back in every span."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.inspection.figures.series import rows_since
from djtasks.models import FailureCount, FailureGroup, QueueSample, StatisticsMark, TaskStatistics
from djtasks.models.statistics import ALL_TASKS, STEPS
from djtasks.store import samples, statistics
from djtasks.store.statistics import AttemptFailure, Sums, new_row

pytestmark = pytest.mark.django_db(databases="__all__")
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHILD = new_id()


def add(alias: str, at: datetime, count: int = 1, *, path: str = "shop.send", **more: Any) -> Any:
    sums = Sums(successful=count, run_sum=count * 2.0, waits={0: count}, runs={44: count}, **more)
    row = new_row("default", at, (path, "mail"), sums, worker=CHILD)
    statistics.insert(alias, [row])
    return row


def fold(alias: str, now: datetime) -> None:
    statistics.fold_children(alias, "default", now)
    statistics.fold_steps(alias, "default", now)


def rows(alias: str, step: int, path: str = "shop.send") -> list[tuple[datetime, int]]:
    kept = TaskStatistics.objects.using(alias).filter(step=step, task_path=path)
    return list(kept.order_by("at").values_list("at", "successful"))


def seen(alias: str, since: datetime, step: timedelta, *, totals: bool) -> int:
    read = rows_since(engine_of("default"), since, step, totals=totals)
    return sum(row.figures[0] for row in read)


def test_a_row_that_is_sent_again_counts_once(database: str) -> None:
    row = add(database, NOON)

    statistics.insert(database, [row])

    assert rows(database, 0) == [(NOON, 1)]


def test_children_become_minutes_that_grow(database: str) -> None:
    fold(database, NOON)
    add(database, NOON + timedelta(seconds=5), 2)
    add(database, NOON + timedelta(seconds=10), 3)
    fold(database, NOON + timedelta(seconds=11))
    add(database, NOON + timedelta(seconds=15), 4)
    fold(database, NOON + timedelta(seconds=16))

    assert rows(database, 0) == []
    assert rows(database, 60) == [(NOON, 9)]
    total = TaskStatistics.objects.using(database).get(step=60, task_path=ALL_TASKS)
    assert (total.successful, total.run_sum, total.runs) == (9, 18.0, {"44": 9})


def test_minutes_become_tens_hours_and_days_once(database: str) -> None:
    midnight = NOON + 12 * HOUR
    fold(database, NOON)
    for hour in range(12):
        add(database, NOON + hour * HOUR + 7 * MINUTE)
        fold(database, NOON + hour * HOUR + 8 * MINUTE)

    for _ in range(2):
        fold(database, midnight + 3 * MINUTE)

    assert len(rows(database, 600)) == 12
    assert rows(database, 3_600) == [(NOON + n * HOUR, 1) for n in range(12)]
    assert rows(database, 86_400) == [(midnight - DAY, 12)]
    assert rows(database, 86_400, ALL_TASKS) == [(midnight - DAY, 12)]


def test_a_step_is_folded_only_when_nothing_can_come_any_more(database: str) -> None:
    fold(database, NOON)
    add(database, NOON + 9 * MINUTE)

    fold(database, NOON + 11 * MINUTE)
    early = rows(database, 600)
    fold(database, NOON + 12 * MINUTE)

    assert early == []
    assert rows(database, 600) == [(NOON, 1)]


def test_what_comes_too_late_counts_in_the_next_step(database: str) -> None:
    fold(database, NOON)
    fold(database, NOON + 15 * MINUTE)
    add(database, NOON + MINUTE)

    fold(database, NOON + 16 * MINUTE)
    fold(database, NOON + 25 * MINUTE)

    assert rows(database, 600) == [(NOON + 10 * MINUTE, 1)]


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("step", [60, 600, 3_600, 86_400])
def test_each_attempt_is_read_once_whatever_the_step(
    database: str, step: int, *, totals: bool
) -> None:
    start = NOON - 12 * HOUR - 2 * DAY
    fold(database, start)
    for hours in (1, 20, 30, 47):
        add(database, start + hours * HOUR)
        add(database, start + hours * HOUR, path="shop.other")
        fold(database, start + hours * HOUR + MINUTE)
    fold(database, NOON)
    add(database, NOON)

    assert seen(database, start, timedelta(seconds=step), totals=totals) == 9


def test_another_alias_has_its_own(database: str) -> None:
    add(database, NOON)

    assert statistics.fold_children(database, "polled", NOON + MINUTE) == 0
    assert rows(database, 0) == [(NOON, 1)]


def test_old_rows_are_deleted_by_their_step(database: str) -> None:
    for step, kept in STEPS.items():
        for at in (NOON - kept - MINUTE, NOON - kept + MINUTE):
            row = new_row("default", at, ("shop.send", "mail"), Sums(successful=1), step=step)
            statistics.insert(database, [row])

    while statistics.prune(database, "default", NOON):
        pass

    assert [len(rows(database, step)) for step in STEPS] == [1, 1, 1, 1]


def failure(**changes: Any) -> AttemptFailure:
    fields: dict[str, Any] = {
        "fingerprint": "f1", "task_path": "shop.send", "exception": "ValueError",
        "message": "boom", "place": "shop.py:1 in send", "record": CHILD, "failed": 1,
    }  # fmt: skip
    return AttemptFailure(**fields | changes)


def test_failures_of_one_kind_are_counted_in_their_group_and_hour(database: str) -> None:
    later = NOON + 61 * MINUTE
    statistics.count_failure(database, "default", failure(), NOON)
    statistics.count_failure(database, "default", failure(failed=0, retried=2), NOON)
    statistics.count_failure(database, "default", failure(message="again"), later)
    statistics.count_failure(database, "default", failure(fingerprint="f2"), later)

    group = FailureGroup.objects.using(database).get(fingerprint="f1")
    hours = FailureCount.objects.using(database).filter(fingerprint="f1").order_by("at")

    assert (group.failed, group.retried, group.message) == (2, 2, "again")
    assert (group.first_at, group.last_at) == (NOON, later)
    assert list(hours.values_list("at", "failed", "retried")) == [
        (NOON, 1, 2),
        (NOON + HOUR, 1, 0),
    ]


def sample(at: datetime, ready: int, *, queue: str = "mail", running: float = 1.0) -> QueueSample:
    return QueueSample(
        backend="default", step=60, at=at, queue=queue, ready=ready, running=running, slots=8
    )


def test_samples_are_folded_to_means_once_also_after_a_pause(database: str) -> None:
    samples.insert(database, [sample(NOON + n * MINUTE, n) for n in range(10)])
    samples.insert(database, [sample(NOON, 99)])

    for _ in range(2):
        samples.fold(database, "default", NOON + 25 * MINUTE)

    means = QueueSample.objects.using(database).filter(step=600)
    assert list(means.values_list("at", "ready", "running")) == [(NOON, 4, 1.0)]


def test_marks_are_made_once(database: str) -> None:
    fold(database, NOON)
    fold(database, NOON + MINUTE)

    marks = StatisticsMark.objects.using(database).values_list("step", "until")
    assert dict(marks) == {
        60: NOON, 600: NOON, 3_600: NOON, 86_400: NOON - 12 * HOUR,
    }  # fmt: skip
    assert TaskStatistics.objects.using(database).aggregate(n=Sum("successful"))["n"] is None
