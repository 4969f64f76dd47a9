"""Schedules in real processes, one of which is always being killed."""

import itertools
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db.models import F

from djtasks.models import Lease, Schedule, TaskRecord
from djtasks.protocol.states import State
from djtasks.schedules import CatchUp, Every
from tests.acceptance.processes import BeatProcess, worker, worker_environment
from tests.scheduler.making import again, change, dues, runs, schedule
from tests.waiting import eventually

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)


@pytest.fixture
def due_now(live_engine):
    """A schedule that was due a moment ago and then in an hour."""
    now = live_engine.store.now()
    return schedule(rule=Every(timedelta(hours=1), anchor=now).as_dict(), next_run_at=now)


def first_run(row):
    return next(iter(runs(row)), None)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_worker_fires_schedules_and_runs_their_tasks(due_now, processes):
    with worker("--processes", processes):
        record = eventually(lambda: first_run(due_now))
        eventually(lambda: again_record(record).state == State.SUCCESSFUL)

    assert again_record(record).return_value == 3
    assert dues(due_now) == [due_now.next_run_at]


def again_record(record):
    return TaskRecord.objects.get(pk=record.pk)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_worker_in_a_burst_runs_what_schedules_have_due(due_now, processes):
    with worker("--processes", processes, "--burst") as running:
        assert running.wait() == 0

    assert [record.state for record in runs(due_now)] == [State.SUCCESSFUL]


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_worker_without_beat_leaves_schedules_alone(due_now, processes):
    with worker("--processes", processes, "--burst", "--no-beat") as running:
        assert running.wait() == 0

    assert runs(due_now) == []


@pytest.fixture
def beats(live_engine):
    """Starts `runbeat` processes, which end with the test."""
    with ExitStack() as stack:

        def start(*flags):
            process = BeatProcess(*flags)
            stack.callback(process.clean_up)
            return process

        yield start


def test_a_scheduler_of_its_own_fires_and_stops_when_told(due_now, beats):
    beat = beats()
    eventually(lambda: first_run(due_now))

    beat.signal(signal.SIGTERM)

    assert beat.wait() == 0
    assert "scheduler" in beat.output()
    assert not Lease.objects.filter(name="beat:default").exists()
    assert again(due_now).next_run_at > due_now.next_run_at


def test_a_change_is_seen_within_seconds(live_engine, beats):
    row = schedule(next_run_at=live_engine.store.now() + timedelta(days=1))
    beats()
    eventually(lambda: Lease.objects.filter(name="beat:default").exists())

    change(row, next_run_at=live_engine.store.now())

    eventually(lambda: first_run(row), seconds=10)


def test_another_scheduler_takes_over_from_one_that_was_killed(live_engine, beats):
    row = schedule(rule=Every(SECOND).as_dict(), next_run_at=live_engine.store.now())
    first = beats()
    eventually(lambda: first_run(row))
    beats()
    first.kill()
    count = len(runs(row))

    eventually(lambda: len(runs(row)) >= count + 3)

    assert Counter(dues(row)).most_common(1)[0][1] == 1


def test_every_due_time_fires_once_although_a_scheduler_is_killed_again_and_again(
    live_engine, beats
):
    start = live_engine.store.now().replace(microsecond=0) + SECOND
    rows = [
        schedule(
            str(n),
            rule=Every(SECOND, anchor=start).as_dict(),
            missed=CatchUp(1000).as_dict(),
            next_run_at=start,
        )
        for n in range(40)
    ]
    running = [beats() for _ in range(3)]
    eventually(lambda: first_run(rows[0]))

    for victim in itertools.islice(itertools.cycle(range(3)), 9):
        running[victim].kill()
        running[victim] = beats()
        seen = TaskRecord.objects.count()
        eventually(lambda seen=seen: TaskRecord.objects.count() >= seen + len(rows))
    until = live_engine.store.now()
    eventually(lambda: not Schedule.objects.filter(next_run_at__lte=until).exists())
    Schedule.objects.update(is_enabled=False, next_run_at=F("next_run_at"))

    for row in rows:
        fired = dues(row)
        assert fired == [start + n * SECOND for n in range(len(fired))]
        assert fired[-1] > until - SECOND


def test_a_beat_that_is_held_ends_with_its_holder(live_engine):
    held = subprocess.Popen(
        [sys.executable, "-m", "django", "runbeat", "--held"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=worker_environment(),
    )
    eventually(lambda: Lease.objects.filter(name="beat:default").exists())

    held.stdin.close()

    assert held.wait(30) == 0
