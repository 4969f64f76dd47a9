"""Facts about schedules, on every database."""

import pytest
from django.db import connections

from djtasks import inspection
from djtasks.engine import engine_of
from djtasks.operations import run_now
from djtasks.protocol.states import State
from tests.scheduler.making import HOUR, MINUTE, NOON, schedule, tick

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def engine(database):
    return engine_of("default")


def test_facts_are_told_by_name_with_the_state_of_the_last_run(engine):
    row = schedule("b", jitter=MINUTE)
    schedule("a", next_run_at=None)
    schedule("elsewhere", backend="polled")
    tick(engine, NOON)

    first, second = inspection.schedules_of(engine)

    assert (first.name, first.last_state) == ("a", None)
    assert (second.id, second.rule) == (row.pk, "Every minute, counted from 2020-06-01 12:00 UTC")
    assert (second.last_state, second.last_due_at) == (State.READY, NOON)
    assert (second.missed, second.jitter) == ("one run for all that were missed", MINUTE)
    assert inspection.schedule_facts(engine, "b") == second
    assert inspection.schedule_facts(engine, "nobody") is None


def test_any_number_of_schedules_is_two_queries(engine, django_assert_num_queries):
    for n in range(20):
        schedule(str(n))
    tick(engine, NOON)

    with django_assert_num_queries(2, connection=connections[engine.database]):
        assert len(inspection.schedules_of(engine)) == 20
    assert len(inspection.schedules_of(engine, limit=5)) == 5


def test_what_the_code_said_may_be_nonsense_too(engine):
    schedule("empty", declared={})
    schedule("list", declared=[7])
    schedule("text", declared={"jitter": "long"})

    assert [one.overrides for one in inspection.schedules_of(engine)] == [{}, {}, {}]


def test_the_history_of_a_schedule_is_newest_first_and_bounded(engine):
    row, other = schedule(), schedule("other")
    for n in range(5):
        tick(engine, NOON + n * MINUTE)
    by_hand = run_now(engine, row.pk, by="Ada")

    newest, before, *_rest = inspection.history_of(engine, row.pk)

    assert (newest.id, newest.due_at, newest.state) == (by_hand, None, State.READY)
    assert before.due_at == NOON + 4 * MINUTE
    assert len(inspection.history_of(engine, other.pk)) == 5
    assert len(inspection.history_of(engine, row.pk, limit=3)) == 3


def test_any_number_of_histories_is_two_queries(engine, django_assert_num_queries):
    rows = [schedule("busy"), schedule("new", next_run_at=NOON + HOUR), schedule("two")]
    for n in range(5):
        tick(engine, NOON + n * MINUTE)

    with django_assert_num_queries(2, connection=connections[engine.database]):
        found = inspection.histories_of(engine, [row.pk for row in rows], limit=3)

    assert [len(found[row.pk]) for row in rows] == [3, 0, 3]
    assert found[rows[0].pk] == inspection.history_of(engine, rows[0].pk, limit=3)


def test_the_next_runs_are_counted_from_now_or_from_what_has_ticked(engine):
    row = schedule()
    now = engine.store.now()
    ticked = schedule("ticked", last_due_at=now + HOUR / 2)

    runs = inspection.next_runs(engine, row.pk, 3)
    later = inspection.next_runs(engine, ticked.pk, 1)

    assert now < runs[0].at <= now + 2 * MINUTE
    assert runs[2].at - runs[0].at == 2 * MINUTE
    assert later[0].at > now + HOUR / 2


def test_a_scheduler_that_is_needed_is_missed(engine):
    assert not inspection.scheduler_of(engine).is_missing

    schedule(next_run_at=engine.store.now() - HOUR)

    facts = inspection.scheduler_of(engine)
    assert facts.is_missing
    assert HOUR <= facts.late < 2 * HOUR
