"""What a tick does with a schedule that is due: tables, without a clock or a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djtasks.errors import InvalidArguments, InvalidSchedule
from djtasks.models import Schedule
from djtasks.scheduler.planning import (
    Timetable,
    decide,
    healed,
    start_of,
    ticked_until,
    timetable_of,
)
from djtasks.schedules import CatchUp, Coalesce, Every, Once, Overlap, SkipIfOlderThan
from tests.scheduler.making import HOUR, MINUTE, NOON

PLAIN = Timetable(
    rule=Every(MINUTE, anchor=NOON),
    missed=Coalesce(),
    overlap=Overlap.ALLOW,
    jitter=timedelta(0),
    starts_at=None,
    ends_at=None,
)
ALL = replace(PLAIN, missed=CatchUp(10))


def minutes(*numbers: float) -> list[datetime]:
    return [NOON + number * MINUTE for number in numbers]


def at(minute: float) -> datetime:
    return NOON + minute * MINUTE


@pytest.mark.parametrize(
    ("table", "now", "fired", "following"),
    [
        (PLAIN, at(0), [0], 1),
        (PLAIN, at(0.5), [0], 1),
        (PLAIN, at(7.5), [0], 8),
        (ALL, at(2), [0, 1, 2], 3),
        (replace(PLAIN, missed=CatchUp(2)), at(7), [6, 7], 8),
        (replace(PLAIN, missed=SkipIfOlderThan(MINUTE)), at(7.5), [7], 8),
        (replace(PLAIN, missed=SkipIfOlderThan(MINUTE / 4)), at(7.5), [], 8),
        (replace(ALL, starts_at=at(2)), at(3), [2, 3], 4),
        (replace(ALL, starts_at=at(5)), at(3), [], 5),
        (replace(ALL, ends_at=at(1)), at(3), [0, 1], None),
        (replace(ALL, ends_at=at(4)), at(3), [0, 1, 2, 3], 4),
        (replace(ALL, overlap=Overlap.SKIP), at(3), [0], 4),
        (replace(ALL, overlap=Overlap.QUEUE_ONE), at(3), [0], 1),
        (replace(PLAIN, overlap=Overlap.QUEUE_ONE), at(3), [0], 4),
    ],
)
def test_what_a_tick_fires_and_when_the_next_one_is(table, now, fired, following):
    decision = decide(table, seen=NOON, last_due_at=None, now=now)

    assert list(decision.fire) == minutes(*fired)
    assert decision.next_run_at == (None if following is None else at(following))


def test_a_run_that_is_not_over_keeps_the_next_one_from_starting_where_asked():
    skips = replace(ALL, overlap=Overlap.SKIP)

    decision = decide(skips, seen=NOON, last_due_at=None, now=at(3), is_running=True)

    assert decision.fire == ()
    assert (decision.next_run_at, decision.last_due_at) == (at(4), at(3))


@pytest.mark.parametrize("minutes_back", [1, 10, 59])
def test_a_due_time_never_fires_twice_after_the_clock_went_back(minutes_back):
    now = at(-minutes_back)

    decision = decide(ALL, seen=now - MINUTE, last_due_at=NOON, now=now)

    assert decision.fire == ()
    assert (decision.next_run_at, decision.last_due_at) == (at(1), NOON)


def test_a_last_due_time_far_in_the_future_does_not_stop_the_schedule():
    decision = decide(PLAIN, seen=NOON, last_due_at=NOON + timedelta(days=999), now=NOON)

    assert decision.fire == (NOON,)
    assert (decision.next_run_at, decision.last_due_at) == (at(1), NOON)


def test_a_moment_that_a_wrong_clock_has_fired_does_not_fire_again():
    table = replace(PLAIN, rule=Once(at(180)))

    decision = decide(table, seen=at(180), last_due_at=at(180), now=at(-1))

    assert decision.fire == ()


@pytest.mark.parametrize(
    ("last_due_at", "expected"),
    [
        (None, NOON),
        (at(-1), NOON),
        (at(30), at(30)),
        (NOON + HOUR, NOON + HOUR),
        (NOON + HOUR + MINUTE, NOON),
    ],
)
def test_what_counts_as_ticked(last_due_at, expected):
    assert ticked_until(last_due_at, NOON) == expected


@pytest.mark.parametrize(
    ("table", "stored", "last_due_at", "expected"),
    [
        (PLAIN, at(1), NOON, at(1)),
        (PLAIN, at(-5), None, at(-5)),
        (PLAIN, at(0.5), None, at(0.5)),
        (PLAIN, datetime(2030, 1, 1, tzinfo=UTC), NOON, at(1)),
        (PLAIN, datetime(2030, 1, 1, tzinfo=UTC), datetime(2029, 12, 31, tzinfo=UTC), at(1)),
        (PLAIN, None, None, at(1)),
        (replace(PLAIN, starts_at=at(90)), at(90), None, at(90)),
        (replace(PLAIN, ends_at=at(-1)), at(1), None, None),
        (replace(PLAIN, rule=Once(at(-1))), None, at(-1), None),
        (replace(PLAIN, rule=Once(at(5))), at(5), None, at(5)),
        (replace(PLAIN, rule=Once(at(180))), None, at(180), None),
        (replace(PLAIN, rule=Once(at(180))), None, at(90), at(180)),
    ],
)
def test_a_next_run_beyond_what_the_rule_says_is_healed(table, stored, last_due_at, expected):
    assert healed(table, stored=stored, last_due_at=last_due_at, now=NOON) == expected


def test_jitter_spreads_runs_evenly_and_is_the_same_for_everybody():
    table = replace(PLAIN, jitter=MINUTE)

    starts = [start_of(table, schedule=n, due=NOON, now=at(-1)) for n in range(400)]

    assert starts == [start_of(table, schedule=n, due=NOON, now=at(-1)) for n in range(400)]
    shares = sorted((start - NOON) / MINUTE for start in starts if start is not None)
    assert len(shares) == 400
    assert 0 <= shares[0] < 0.05
    assert 0.4 < shares[200] < 0.6
    assert 0.95 < shares[-1] < 1


def test_without_jitter_or_when_it_is_over_a_run_starts_at_once():
    late = replace(PLAIN, jitter=MINUTE)

    assert start_of(PLAIN, schedule=1, due=NOON, now=NOON) is None
    assert start_of(late, schedule=1, due=NOON, now=at(2)) is None


def row(**columns: Any) -> Schedule:
    return Schedule(**{"rule": PLAIN.rule.as_dict(), "overlap": "allow", **columns})


def test_the_columns_of_a_row_are_its_timetable():
    columns = {
        "missed": CatchUp(3).as_dict(),
        "overlap": "skip",
        "jitter": MINUTE,
        "starts_at": at(1),
        "ends_at": at(9),
    }

    assert timetable_of(row(**columns)) == Timetable(
        rule=PLAIN.rule,
        missed=CatchUp(3),
        overlap=Overlap.SKIP,
        jitter=MINUTE,
        starts_at=at(1),
        ends_at=at(9),
    )
    assert timetable_of(row()) == PLAIN


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"rule": {"kind": "moon"}}, "is not a rule"),
        ({"rule": []}, "is not a rule"),
        ({"rule": None}, "is not a rule"),
        ({"missed": 7}, "is not a policy for missed runs"),
        ({"overlap": "maybe"}, "must be one of allow, skip, queue_one, got 'maybe'"),
        ({"jitter": -MINUTE}, "must not be negative"),
        ({"jitter": None}, "must not be negative"),
    ],
)
def test_columns_that_mean_nothing_are_refused_with_the_reason(columns, complaint):
    with pytest.raises((InvalidSchedule, InvalidArguments), match=complaint):
        timetable_of(row(**columns))
