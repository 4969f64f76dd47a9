"""What a wrong clock or an editor's hand has left is repaired, on every database."""

import dataclasses
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from djtasks.definitions import registry
from djtasks.engine import engine_of
from djtasks.scheduler import repair as module
from djtasks.scheduler.repair import Auditor
from djtasks.scheduler.ticker import Ticker
from tests import tasks
from tests.scheduler.making import HOUR, MINUTE, NOON, again, change, dues, schedule, tick

pytestmark = pytest.mark.django_db(databases="__all__")
FUTURE = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine(database):
    return engine_of("default")


def test_a_clock_that_went_forward_and_back_neither_storms_nor_sleeps(engine):
    row = schedule()

    tick(engine, FUTURE)
    ticked_in_the_future = again(row)
    Auditor(engine).scan(NOON + MINUTE / 2)
    tick(engine, NOON + MINUTE)
    tick(engine, NOON + 2 * MINUTE)

    assert ticked_in_the_future.next_run_at == FUTURE + MINUTE
    assert dues(row) == [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
    assert again(row).next_run_at == NOON + 3 * MINUTE


def test_what_ticked_before_the_clock_went_back_a_little_does_not_tick_again(engine):
    row = schedule()
    for n in range(10):
        tick(engine, NOON + n * MINUTE)

    Auditor(engine).scan(NOON)
    for n in range(12):
        tick(engine, NOON + n * MINUTE)

    assert dues(row) == [NOON + n * MINUTE for n in range(12)]


def test_a_schedule_that_is_right_is_not_touched(engine, django_assert_num_queries):
    row = schedule()
    tick(engine, NOON)

    with django_assert_num_queries(2, connection=connections[engine.database]):
        Auditor(engine).scan(NOON + MINUTE / 2)

    assert again(row).next_run_at == NOON + MINUTE


def test_a_row_that_lost_its_next_run_gets_it_back(engine):
    row = schedule(next_run_at=None)
    paused = schedule("paused", next_run_at=None, is_enabled=False)

    Auditor(engine).scan(NOON)

    assert again(row).next_run_at == NOON + MINUTE
    assert again(paused).next_run_at is None


def test_a_mended_row_fires_again(engine, caplog):
    row = schedule(rule={"kind": "moon"})
    tick(engine, NOON)
    Auditor(engine).scan(NOON)
    still_broken = again(row).broken
    change(row, rule=schedule("other").rule)

    with caplog.at_level(logging.INFO, "djtasks.beat"):
        Auditor(engine).scan(NOON + MINUTE)
    tick(engine, NOON + MINUTE)

    assert "is not a rule" in still_broken
    assert again(row).broken == ""
    assert dues(row) == [NOON]
    assert "Schedule is mended name=sums" in caplog.messages


def test_a_task_that_is_back_fires_again(engine, monkeypatch):
    row = schedule(task_path="tests.tasks.back_soon")
    tick(engine, NOON + HOUR)
    assert again(row).broken
    change(row, task_path="tests.tasks.add")

    Auditor(engine).scan(NOON + HOUR)
    tick(engine, NOON + HOUR)

    assert dues(row) == [NOON]


def test_nonsense_is_shown_before_it_is_due(engine):
    row = schedule(rule={"kind": "moon"}, next_run_at=NOON + HOUR)
    good = schedule("good", next_run_at=FUTURE)

    Auditor(engine).scan(NOON)

    assert "is not a rule" in again(row).broken
    assert again(good).next_run_at == NOON + MINUTE


def test_a_key_function_that_leaves_does_not_end_the_round(engine, monkeypatch):
    def leave(_key):
        raise SystemExit(3)

    task = dataclasses.replace(tasks.only_once, unique=leave)
    monkeypatch.setitem(registry._tasks, task.module_path, task)
    bad = schedule("bad", task_path=task.module_path, args=["a"], broken="It was.")
    mended = schedule("mended", broken="It was, too.")

    Auditor(engine).scan(NOON)

    assert again(bad).broken == "SystemExit: 3"
    assert again(mended).broken == ""


def test_the_reason_of_a_broken_row_is_kept_up_to_date(engine):
    row = schedule(broken="It was something else.", overlap="maybe")

    Auditor(engine).scan(NOON)

    assert "got 'maybe'" in again(row).broken


def test_a_round_takes_a_page_a_look_and_begins_again(engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    rows = [schedule(str(n), next_run_at=FUTURE) for n in range(5)]
    auditor = Auditor(engine)

    ends = [auditor.scan(NOON) for _ in range(3)]

    assert ends == [False, False, True]
    assert all(again(row).next_run_at == NOON + MINUTE for row in rows)
    change(rows[0], next_run_at=FUTURE)
    auditor.scan(NOON)
    assert again(rows[0]).next_run_at == NOON + MINUTE


def test_after_a_jump_all_are_looked_at_at_once(engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    rows = [schedule(str(n), next_run_at=FUTURE) for n in range(5)]

    Auditor(engine).check_all(NOON)

    assert all(again(row).next_run_at == NOON + MINUTE for row in rows)


def test_a_tick_in_between_wins_over_the_auditor(engine, monkeypatch):
    row = schedule(next_run_at=FUTURE)
    auditor = Auditor(engine)
    read = module.ticks.page

    def read_then_lose(*args, **kwargs):
        rows = read(*args, **kwargs)
        change(row, next_run_at=NOON + timedelta(seconds=1))
        return rows

    monkeypatch.setattr(module.ticks, "page", read_then_lose)

    auditor.scan(NOON)

    assert again(row).next_run_at == NOON + timedelta(seconds=1)


@pytest.mark.parametrize("column", ["starts_at", "ends_at", "last_due_at", "jitter"])
def test_a_column_that_cannot_be_read_breaks_that_schedule_alone(engine, column):
    if connections[engine.database].vendor != "sqlite":
        pytest.skip("only SQLite keeps any text in any column")
    bad, good = schedule("bad"), schedule("good")
    with connections[engine.database].cursor() as cursor:
        cursor.execute(
            f"UPDATE djtasks_schedule SET {column} = '2026-99-99 00:00:00' WHERE id = %s", [bad.pk]
        )

    Ticker(engine).tick(NOON)
    Auditor(engine).scan(NOON)

    with connections[engine.database].cursor() as cursor:
        cursor.execute("SELECT broken FROM djtasks_schedule WHERE id = %s", [bad.pk])
        assert cursor.fetchone()[0].startswith("A column cannot be read: ")
    assert dues(good) == [NOON]
