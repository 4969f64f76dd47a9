"""Runs that a schedule skipped: counted from its rule, its last run, and what was decided."""

from datetime import timedelta
from typing import Any

import pytest

from djtasks.engine import Engine
from djtasks.inspection.schedules import schedule_facts, scheduler_of
from djtasks.inspection.status import status_of
from djtasks.models import TaskRecord
from djtasks.operations.schedules import pause, resume
from djtasks.protocol.states import State
from djtasks.schedules import SkipIfOlderThan
from tests.scheduler.making import HOUR, MINUTE, NOON, change, schedule, tick


def skipped(engine: Engine) -> int:
    facts = schedule_facts(engine, "sums")
    assert facts is not None
    return facts.skipped


@pytest.mark.django_db(databases="__all__")
@pytest.mark.usefixtures("database")
def test_what_the_last_run_makes_a_schedule_skip_is_counted(engine: Engine) -> None:
    change(schedule(overlap="skip"), changed_at=NOON - HOUR)
    tick(engine, NOON)
    assert (skipped(engine), scheduler_of(engine).skipping) == (0, {})

    for minute in range(1, 13):
        tick(engine, NOON + minute * MINUTE)

    assert (skipped(engine), scheduler_of(engine).skipping) == (12, {"sums": 12})
    (problem,) = [one for one in status_of(engine).problems if "skipped" in one]
    assert problem.startswith("Schedule 'sums' skipped 12 runs, since its last run is not over.")
    TaskRecord.objects.update(state=State.SUCCESSFUL)
    assert scheduler_of(engine).skipping == {}
    tick(engine, NOON + 13 * MINUTE)
    assert skipped(engine) == 0


def test_runs_that_were_too_late_are_counted(engine: Engine) -> None:
    row = schedule(missed=SkipIfOlderThan(timedelta(seconds=10)).as_dict())
    change(row, changed_at=NOON - HOUR)
    tick(engine, NOON)

    tick(engine, NOON + 3.5 * MINUTE)

    assert skipped(engine) == 3
    pause(engine, row.pk, by="ada")
    resume(engine, row.pk)
    assert skipped(engine) == 0


def test_a_broken_schedule_skips_what_is_due_until_it_is_corrected(engine: Engine) -> None:
    now = engine.store.now()
    row = schedule(next_run_at=now - HOUR)
    change(row, broken="No task is registered as 'shop.gone'.")
    assert skipped(engine) == 60

    change(row, next_run_at=now - 5 * HOUR)
    assert skipped(engine) == 100
    change(row, is_enabled=False)
    assert skipped(engine) == 0


@pytest.mark.parametrize(
    "columns", [{}, {"rule": {"kind": "moon"}, "broken": "x"}, {"next_run_at": None, "broken": "x"}]
)
def test_nothing_is_counted_where_nothing_is_known(engine: Engine, columns: dict[str, Any]) -> None:
    schedule(**columns)

    assert skipped(engine) == 0
