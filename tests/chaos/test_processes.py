"""Processes that die, stand still or are told to go."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from djtasks.models import Lease, TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from tests.acceptance.processes import WorkerProcess
from tests.chaos import invariants, tasks
from tests.chaos.profiles import PROFILE
from tests.chaos.site import Site
from tests.waiting import eventually

EVERYWHERE = pytest.mark.parametrize("site", ["mariadb", "sqlite"], indirect=True)


@pytest.mark.slow
@pytest.mark.everyday
def test_a_killed_child_costs_at_most_what_it_was_running(site: Site) -> None:
    worker = site.worker("--processes", "2", "--threads", "8")
    tasks.work.enqueue_many([(20.0,)] * 3_000)
    eventually(lambda: site.running_on(worker) > 0)

    for _ in range(3):
        eventually(lambda: len(site.pids_of(worker)) == 2 and site.running_on(worker) > 8)
        assert site.kill_child(worker)
    site.wait_until_done()

    report = invariants.check(site, count=3_000)
    assert report.interrupted + report.unsettled > 0, "nothing was running when it was killed"
    assert report.interrupted <= 3 * 8
    assert worker.output().count("Child ended") == 3


@pytest.mark.slow
@pytest.mark.everyday
def test_a_killed_host_loses_nothing_once_another_one_looks(site: Site) -> None:
    lose_a_host(site)


@EVERYWHERE
def test_a_killed_host_loses_nothing_on_other_databases_either(site: Site) -> None:
    lose_a_host(site)


def lose_a_host(site: Site) -> None:
    victim = site.worker("--processes", "2")
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 4)
    eventually(lambda: len(site.story().executions) == 4)
    survivor = site.worker("--processes", "1")
    tasks.work.enqueue_many([(20.0,)] * 1_500)

    children = site.kill_worker(victim)
    eventually(lambda: not any(child.is_running() for child in children))
    go.touch()
    site.wait_until_done()

    report = invariants.check(site, count=1_504)
    invariants.dead_workers_leave_no_row(site)
    assert 4 <= report.interrupted <= 2 * 8
    assert "Worker is dead" in survivor.output()


def test_hosts_that_die_one_after_the_other_lose_nothing(site: Site) -> None:
    workers = [site.worker("--processes", "1", "--threads", "4") for _ in range(3)]
    tasks.work.enqueue_many([(float(n % 200),) for n in range(2_000)])
    kills = 0

    while kills < 6:
        victim = site.random.choice(workers)
        eventually(lambda victim=victim: site.running_on(victim) > 0 or not site.live_count())
        if not site.live_count():
            break
        site.kill_worker(victim)
        kills += 1
        workers.remove(victim)
        workers.append(site.worker("--processes", "1", "--threads", "4"))
    site.wait_until_done()

    assert kills > 2, "the tasks were done before anything died"
    report = invariants.check(site, count=2_000)
    assert report.interrupted + report.unsettled > 0, "nothing was running when it was killed"
    assert report.interrupted <= kills * 4


@pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_a_host_that_slept_through_its_lease_stores_nothing(site: Site) -> None:
    go = site.folder / "go"
    sleeper = site.worker("--processes", "1")
    sleeping = tasks.wait_for.enqueue(str(go))
    eventually(lambda: site.running_on(sleeper) == 1)
    other = site.worker("--processes", "1")
    before = set(WorkerRecord.objects.values_list("pk", flat=True))

    pids = site.stop(sleeper)
    eventually(lambda: len(site.story().executions) == 2, seconds=PROFILE.dead_host * 2)
    Path(go).touch()
    site.wait_until_done()
    site.go_on(sleeper)

    eventually(lambda: "Somebody took this worker's tasks" in sleeper.output(), seconds=60)
    eventually(lambda: len(set(WorkerRecord.objects.values_list("pk", flat=True)) - before) == 1)
    invariants.check(site, count=1, excused=pids)
    first, second = site.story().executions
    assert (first.pid in pids, second.pid in pids) == (True, False)
    sleeping.refresh()
    assert sleeping.return_value["worker"] == second.worker
    assert "Worker is dead" in other.output()


def test_code_that_keeps_the_interpreter_to_itself_does_not_look_dead(site: Site) -> None:
    worker = site.worker("--processes", "1")
    other = site.worker("--processes", "1")
    seconds = PROFILE.lease * 1.5
    tasks.keep_interpreter.enqueue(seconds)

    site.wait_until_done()

    invariants.check(site, count=1)
    invariants.nobody_was_taken_alive(site)
    (execution,) = site.story().executions
    assert execution.ended is not None
    assert execution.ended - execution.started >= seconds * 1e9, "it did not last long enough"
    assert not worker.has_ended
    assert not other.has_ended


@pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_poison_ends_by_itself_and_takes_no_innocent_along(site: Site) -> None:
    ways = ["kill", "exit", "segfault"]
    pills = [tasks.kill_process.enqueue(way) for way in ways]
    tasks.work.enqueue_many([(5.0,)] * 300)
    site.worker("--processes", "1", "--threads", "4")

    site.wait_until_done()

    invariants.check(site, count=303)
    failed = TaskRecord.objects.filter(state=State.FAILED)
    assert {str(row.pk) for row in failed} == {pill.id for pill in pills}
    for row in failed:
        assert row.crash_count == row.max_crashes
        assert "WorkerLost" in row.errors[-1]["class"]
    starts = site.story().by_task()
    # Fewer than three where a neighbour took it along before it had begun.
    assert all(1 <= len(starts[pill.id]) <= 3 for pill in pills)


@pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_stopping_at_any_moment_costs_no_attempt_and_no_crash(site: Site) -> None:
    tasks.work.enqueue_many([(float(n % 40),) for n in range(600)])
    stops = 0

    while site.live_count() > 200:
        worker = site.worker("--processes", "1", "--threads", "4", "--grace", "20")
        left = site.live_count() - site.random.randrange(50, 120)
        eventually(lambda left=left: site.live_count() <= left)
        worker.signal(signal.SIGTERM)
        site.say(f"SIGTERM {worker.pid}")
        assert worker.wait(60) == 0
        stops += 1
    site.worker("--processes", "1")
    site.wait_until_done()

    assert stops > 2
    report = invariants.check(site, count=600)
    assert (report.interrupted, report.unsettled) == (0, 0)
    assert not TaskRecord.objects.filter(crash_count__gt=0).exists()


def test_a_second_signal_hurries_and_still_loses_nothing(site: Site) -> None:
    go = site.folder / "go"
    worker = site.worker("--processes", "1", "--grace", "600")
    tasks.wait_for.enqueue_many([(str(go),)] * 8)
    eventually(lambda: len(site.story().executions) == 8)

    worker.signal(signal.SIGTERM)
    eventually(lambda: WorkerRecord.objects.filter(draining=True).exists())
    worker.signal(signal.SIGTERM)
    assert worker.wait(60) == 0

    assert site.states() == {State.READY: 8}
    go.touch()
    site.worker("--processes", "1")
    site.wait_until_done()
    report = invariants.check(site, count=8)
    assert report.interrupted == 8
    assert not TaskRecord.objects.filter(crash_count__gt=0).exists()


def test_a_stop_that_turns_into_a_kill_loses_nothing(site: Site) -> None:
    go = site.folder / "go"
    worker = site.worker("--processes", "2", "--threads", "4", "--grace", "600")
    tasks.wait_for.enqueue_many([(str(go),)] * 8)
    tasks.work.enqueue_many([(5.0,)] * 200)
    eventually(lambda: site.running_on(worker) >= 8)

    worker.signal(signal.SIGTERM)
    eventually(lambda: WorkerRecord.objects.filter(draining=True).exists())
    children = site.kill_worker(worker)
    eventually(lambda: not any(child.is_running() for child in children))
    go.touch()
    site.worker("--processes", "1")
    site.wait_until_done()

    report = invariants.check(site, count=208)
    assert 8 <= report.interrupted <= 8 + 2 * 4, "nothing was running when it was killed"


def test_ctrl_c_in_a_terminal_stops_a_whole_group_without_losing_anything(site: Site) -> None:
    tasks.work.enqueue_many([(20.0,)] * 600)
    worker = site.worker("--processes", "2", "--threads", "4", "--grace", "20")
    eventually(lambda: site.running_on(worker) > 0)

    site.say("Ctrl-C")
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.wait(60) == 0

    assert site.live_count() > 0, "it was done before it was stopped"
    assert not TaskRecord.objects.filter(crash_count__gt=0).exists()
    site.worker("--processes", "2")
    site.wait_until_done()
    report = invariants.check(site, count=600)
    assert (report.interrupted, report.unsettled) == (0, 0)


def test_a_closed_terminal_is_a_dead_host_at_worst(site: Site) -> None:
    tasks.work.enqueue_many([(20.0,)] * 400)
    # Under nohup our children would inherit that it is ignored.
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    worker = site.worker("--processes", "1", "--threads", "4")
    signal.signal(signal.SIGHUP, inherited)
    eventually(lambda: site.running_on(worker) > 0)

    children = worker.descendants()
    worker.signal(signal.SIGHUP)
    worker.wait(60)
    eventually(lambda: not any(child.is_running() for child in children))
    site.worker("--processes", "1")
    site.wait_until_done()

    report = invariants.check(site, count=400)
    assert report.interrupted <= 4


def test_a_frozen_coordinator_is_replaced_and_takes_nobody_when_it_thaws(site: Site) -> None:
    frozen = site.worker("--processes", "1", "--threads", "4")
    eventually(lambda: coordinates(frozen, site))
    other = site.worker("--processes", "1", "--threads", "4")
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 8)
    eventually(lambda: site.running_on(frozen) == site.running_on(other) == 4)
    before = set(site.pids_of(other))

    pids = site.stop(frozen)
    later = tasks.work.using(run_after=timedelta(seconds=1)).enqueue()
    eventually(lambda: coordinates(other, site))
    eventually(lambda: "Worker is dead" in other.output(), seconds=PROFILE.dead_host * 2)
    site.go_on(frozen)
    eventually(lambda: "Somebody took this worker's tasks" in frozen.output(), seconds=60)
    go.touch()
    site.wait_until_done()

    later.refresh()
    assert later.is_finished
    assert set(site.pids_of(other)) == before, "the one that thawed took a living worker"
    assert "Worker is dead" not in frozen.output()
    invariants.check(site, count=9, excused=pids)


def coordinates(one: WorkerProcess, site: Site) -> bool:
    """Return whether this worker holds the coordinator's lease."""
    rows = WorkerRecord.objects.filter(pid__in=site.pids_of(one))
    holder = Lease.objects.filter(name="coordinator:default").values("holder")
    return rows.filter(supervisor__in=holder).exists()


@pytest.mark.parametrize("site", ["mariadb", "sqlite"], indirect=True)
def test_a_killed_child_costs_what_it_was_running_on_other_databases_too(site: Site) -> None:
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 4)
    tasks.work.enqueue_many([(20.0,)] * 600)
    worker = site.worker("--processes", "1", "--threads", "4")

    for kills in (1, 2):
        eventually(lambda started=4 * kills: len(site.story().executions) == started)
        assert site.kill_child(worker)
    go.touch()
    site.wait_until_done()

    assert invariants.check(site, count=604).interrupted == 2 * 4
