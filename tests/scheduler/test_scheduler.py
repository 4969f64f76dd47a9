"""The running scheduler: when it looks, who is first, and what it does about its clock."""

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DataError, OperationalError, connections

from djtasks.engine import engine_of
from djtasks.models import Schedule
from djtasks.scheduler import scheduler as module
from djtasks.scheduler.scheduler import Scheduler
from djtasks.schedules import Crontab
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from tests.scheduler.making import HOUR, MINUTE, NOON, Alone, Clock, again, dues, schedule
from tests.tasks import add

pytestmark = pytest.mark.django_db(databases="__all__")
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch):
    monkeypatch.setattr(declarations, "_declarations", [])


@pytest.fixture
def engine(database):
    return engine_of("default")


def run(engine, start, end, step):
    """Let a scheduler live from `start` to `end`, ticking every `step`."""
    clock = Clock(start)
    scheduler = Scheduler(engine, Alone(), clock=clock)
    while clock.now <= end:
        scheduler.tick()
        clock.now += step


@pytest.mark.parametrize(
    ("start", "due"),
    [
        # 02:30 comes twice on the 25th of October: the first counts.
        (datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # 02:30 does not exist on the 29th of March: 03:00, when it would have been there.
        (datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
    ],
)
def test_a_daily_schedule_fires_once_when_the_clocks_are_changed(engine, start, due):
    periodic(Crontab("30 2 * * *", "Europe/Paris"), args=(1, 2), name="nightly")(add)

    run(engine, start, start + timedelta(hours=20), timedelta(minutes=7))

    row = Schedule.objects.using(engine.database).get()
    assert dues(row) == [due]
    assert row.next_run_at.astimezone(PARIS).strftime("%H:%M") == "02:30"


def test_a_schedule_within_the_hour_follows_elapsed_time_when_the_clocks_are_changed(engine):
    periodic(Crontab("*/30 * * * *", "Europe/Paris"), args=(1, 2))(add)
    start = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)

    run(engine, start, start + 3 * HOUR, timedelta(minutes=5))

    [row] = Schedule.objects.using(engine.database)
    half_hours = [datetime(2026, 10, 25, tzinfo=UTC) + n * 30 * MINUTE for n in range(6)]
    assert dues(row) == half_hours


def test_a_clock_that_jumps_a_year_and_back_costs_one_run(engine, monkeypatch, caplog):
    row = schedule()
    clock = Clock(NOON)
    scheduler = Scheduler(engine, Alone(), clock=clock)
    scheduler.tick()
    clock.now = NOON + timedelta(days=365)
    scheduler.tick()

    clock.now = NOON + MINUTE / 2
    scheduler.tick()
    for n in range(1, 4):
        clock.now = NOON + n * MINUTE
        scheduler.tick()

    assert dues(row) == [NOON + n * MINUTE for n in range(4)]
    assert "The database's clock went back, looking at all schedules" in caplog.messages
    assert "count=1 such as name=sums" in caplog.text


def test_the_first_sleeps_until_something_is_due_but_looks_for_changes(engine):
    clock = Clock(NOON)
    first = Scheduler(engine, Alone(), clock=clock)

    assert first.tick() == module.CHANGES_SECONDS
    schedule(next_run_at=NOON + HOUR)
    assert first.tick() == module.CHANGES_SECONDS
    clock.now = NOON + HOUR - timedelta(seconds=0.25)
    assert first.tick() == 0.25


def test_the_others_look_when_the_first_is_late(engine):
    clock = Clock(NOON)
    row = schedule(next_run_at=NOON + MINUTE)
    other = Scheduler(engine, Alone(is_first=False), clock=clock)

    assert other.tick() == module.BACKUP_SECONDS
    clock.now += MINUTE - timedelta(seconds=5)
    assert other.tick() == 5 + module.BACKUP_DELAY_SECONDS
    clock.now += timedelta(seconds=5.5)
    other.tick()

    assert dues(row) == [NOON + MINUTE]


def test_what_falls_due_shortly_after_each_other_shares_a_transaction(engine):
    first, second = schedule("first"), schedule("second", next_run_at=NOON + MINUTE / 2000)
    clock = Clock()
    scheduler = Scheduler(engine, Alone(), clock=clock)

    pause = scheduler.tick()
    clock.now += timedelta(seconds=pause)
    fired = [dues(first), dues(second)]
    scheduler.tick()

    assert pause == module.BUSY_SECONDS
    assert fired == [[NOON], []]
    assert dues(second) == [NOON + MINUTE / 2000]


def test_a_backlog_is_fired_page_by_page_in_one_tick(engine, monkeypatch):
    monkeypatch.setattr("djtasks.scheduler.ticker.PAGE", 2)
    monkeypatch.setattr(module, "PAGE", 2)
    rows = [schedule(str(n)) for n in range(7)]

    Scheduler(engine, Alone(), clock=Clock()).tick()

    assert all(dues(row) == [NOON] for row in rows)


def test_it_has_looked_once_what_was_due_is_enqueued(engine):
    row = schedule()
    scheduler = Scheduler(engine, Alone(), clock=Clock())
    assert not scheduler.first_scan_done

    scheduler.tick()

    assert scheduler.first_scan_done
    assert dues(row) == [NOON]


def test_an_idle_scheduler_asks_little(engine, django_assert_max_num_queries):
    for n in range(20):
        schedule(str(n), next_run_at=NOON + HOUR)
    first = Scheduler(engine, Alone(), clock=Clock())
    first.tick()

    with django_assert_max_num_queries(10, connection=connections[engine.database]):
        assert [first.tick() for _ in range(10)] == [module.CHANGES_SECONDS] * 10


@pytest.mark.parametrize("error", [DataError("too long"), SystemExit(3)])
def test_declarations_that_cannot_be_stored_do_not_stop_the_others(
    engine, monkeypatch, caplog, error
):
    def refuse(*_args):
        raise error

    row = schedule()
    monkeypatch.setattr(module, "sync", refuse)

    with caplog.at_level(logging.ERROR):
        Scheduler(engine, Alone(), clock=Clock()).tick()

    assert dues(row) == [NOON]
    assert "Declared schedules are not all stored" in caplog.text


def test_declarations_wait_for_the_database(engine, monkeypatch):
    def away(*_args):
        raise OperationalError("server has gone away")

    with monkeypatch.context() as patched:
        patched.setattr(module, "sync", away)
        scheduler = Scheduler(engine, Alone(), clock=Clock())
    with pytest.raises(OperationalError):
        scheduler.tick()

    assert not scheduler.first_scan_done


def test_stopping_lets_another_be_first(engine):
    turn = Alone()
    scheduler = Scheduler(engine, turn, clock=Clock())
    scheduler.tick()
    assert turn.is_held

    scheduler.stop()

    assert not turn.is_held


def test_what_is_changed_by_hand_is_seen_by_the_next_look(engine):
    clock = Clock(NOON)
    first = Scheduler(engine, Alone(), clock=clock)
    first.tick()

    row = schedule(next_run_at=NOON - MINUTE)
    first.tick()

    assert dues(row) == [NOON - MINUTE]
    assert again(row).next_run_at == NOON + MINUTE
