"""A deploy is not a failure: what SIGTERM, time limits and crashes of tasks leave behind."""

import signal

import pytest

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from tests import tasks
from tests.acceptance.processes import child_pids, worker
from tests.models import Row
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def record(result) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


def test_a_running_task_may_finish_within_the_grace(live_engine, tmp_path):
    door = tmp_path / "door"
    with worker("--processes", "1") as running:
        result = tasks.waits_for_file.enqueue(str(door))
        eventually((tmp_path / "door.started").exists)

        # As systemd does it by default: all processes get the signal.
        for process in running.descendants():
            process.send_signal(signal.SIGTERM)
        running.signal(signal.SIGTERM)
        eventually(lambda: WorkerRecord.objects.filter(draining=True).exists())
        door.touch()

        assert running.wait() == 0
    assert record(result).return_value == "seen"
    assert record(result).attempt == 1


def test_what_does_not_finish_goes_back_without_an_attempt(live_engine, tmp_path):
    with worker("--processes", "1", "--grace", "0.5", "--threads", "1") as running:
        stuck = tasks.waits_for_file.enqueue(str(tmp_path / "door"))
        eventually((tmp_path / "door.started").exists)
        behind = tasks.add.enqueue(1, 2)

        running.signal(signal.SIGTERM)

        assert running.wait() == 0
    for row in (record(stuck), record(behind)):
        assert (row.state, row.attempt, row.crash_count) == (State.READY, 0, 0)
        assert row.worker is None
    (tmp_path / "door").touch()
    with worker("--processes", "1"):
        assert stuck.wait(60).return_value == "seen"
        assert behind.wait(60).return_value == 3


@pytest.mark.parametrize("processes", ["1", "0"])
@pytest.mark.parametrize("task", [tasks.leaves_when_stopping, tasks.leaves_when_stopping_async])
def test_a_long_task_sees_the_stop_and_leaves_by_itself(live_engine, tmp_path, task, processes):
    with worker("--processes", processes, "--grace", "30") as running:
        result = task.enqueue(str(tmp_path / "task"))
        eventually((tmp_path / "task.started").exists)

        running.signal(signal.SIGTERM)

        assert running.wait() == 0
    assert record(result).return_value == [0, 1]


def test_a_second_signal_does_not_wait(live_engine, tmp_path):
    with worker("--processes", "1", "--grace", "600") as running:
        stuck = tasks.waits_for_file.enqueue(str(tmp_path / "door"))
        eventually((tmp_path / "door.started").exists)

        running.signal(signal.SIGINT)
        eventually(lambda: WorkerRecord.objects.filter(draining=True).exists())
        running.signal(signal.SIGINT)

        assert running.wait() == 0
    assert record(stuck).state == State.READY


def test_a_task_that_must_never_start_twice_fails_when_a_stop_cuts_it_off(live_engine, tmp_path):
    with worker("--processes", "1", "--grace", "0.2") as running:
        result = tasks.waits_for_file.using(max_crashes=1).enqueue(str(tmp_path / "door"))
        eventually((tmp_path / "door.started").exists)

        running.signal(signal.SIGTERM)

        assert running.wait() == 0
    assert record(result).state == State.FAILED
    assert record(result).errors[-1]["class"] == "djtasks.errors.WorkerLost"


def test_a_task_that_ignores_its_limit_costs_its_process_and_no_neighbour(live_engine, tmp_path):
    door = tmp_path / "door"
    with worker("--processes", "1", "--grace", "2", UNTRACED="1") as running:
        neighbour = tasks.waits_for_file.enqueue(str(door))
        eventually((tmp_path / "door.started").exists)
        before = child_pids()
        hung = tasks.ignores_its_limit.enqueue()

        hung.wait(30)

        assert hung.state is State.FAILED
        assert hung.errors[-1].exception_class_path == "djtasks.errors.TaskTimeout"
        assert "ignores its time limit" in running.output()
        door.touch()
        assert neighbour.wait(20).return_value == "seen"
        assert record(neighbour).crash_count == 0
        assert set(child_pids()).isdisjoint(before)


def test_a_poison_pill_is_isolated_and_no_innocent_suffers(live_engine):
    with worker("--processes", "2") as running:
        innocents = [tasks.add.enqueue(n, n) for n in range(200)]
        pill = tasks.kills_its_process.enqueue()
        innocents += [tasks.add.enqueue(n, n) for n in range(200)]

        pill.wait(60)
        for innocent in innocents:
            assert innocent.wait(30).state is State.SUCCESSFUL

        assert running.output().count("Child ended") == 3
    assert pill.state is State.FAILED
    # Eight threads were at work with it at most, in each of its two crashes in company.
    ids = [innocent.id for innocent in innocents]
    assert TaskRecord.objects.filter(pk__in=ids, crash_count__gt=0).count() <= 2 * 7
    assert record(pill).crash_count == 3
    assert "died 3 times, the last time while it ran nothing else" in pill.errors[-1].traceback


def test_max_crashes_1_means_that_it_never_starts_twice(live_engine, tmp_path):
    path = tmp_path / "runs"
    with worker("--processes", "1"):
        result = tasks.never_twice.enqueue(str(path)).wait(30)

    assert path.read_text() == "ran\n"
    assert result.state is State.FAILED


def test_children_leave_when_their_supervisor_is_killed(live_engine, tmp_path):
    with worker("--processes", "2") as running:
        tasks.waits_for_file.enqueue(str(tmp_path / "door"))
        eventually((tmp_path / "door.started").exists)
        orphans = running.descendants()
        assert len(orphans) >= 3

        running.kill()

        eventually(lambda: not any(orphan.is_running() for orphan in orphans), seconds=5)


def test_a_worker_whose_row_is_gone_starts_anew_under_another_id(live_engine):
    with worker("--processes", "1") as running:
        before = WorkerRecord.objects.get()

        before.delete()

        after = eventually(lambda: WorkerRecord.objects.exclude(pk=before.pk).first())
        assert after.pid != before.pid
        assert "starts anew" in running.output()
        assert tasks.add.enqueue(1, 2).wait(60).return_value == 3


def test_a_process_is_replaced_after_its_share_of_tasks(live_engine):
    with worker("--processes", "1", "--max-tasks", "5") as running:
        before = child_pids()
        results = [tasks.add.enqueue(n, 1) for n in range(12)]

        for result in results:
            assert result.wait(30).state is State.SUCCESSFUL

        assert set(child_pids()).isdisjoint(before)
        assert "multi-threaded" not in running.output()  # Python warns of an unsafe fork


def test_burst_ends_when_nothing_is_due(live_engine):
    results = [tasks.write_row.enqueue(str(n)) for n in range(50)]

    with worker("--processes", "2", "--burst") as running:
        assert running.wait() == 0

    assert Row.objects.count() == 50
    assert all(record(result).state == State.SUCCESSFUL for result in results)


@pytest.mark.parametrize("flag", ["--burst", ""])
def test_without_child_processes_everything_runs_in_this_one(live_engine, flag):
    plain, coroutine = tasks.add.enqueue(1, 2), tasks.add_async.enqueue(3, 4)

    with worker("--processes", "0", *([flag] if flag else [])) as running:
        assert plain.wait(60).return_value == 3
        assert coroutine.wait(60).return_value == 7
        if not flag:
            running.signal(signal.SIGTERM)
        assert running.wait() == 0

    assert WorkerRecord.objects.count() == 0


def test_orders_from_the_admin_reach_a_child(live_engine):
    from djtasks.engine import engine_of
    from djtasks.operations import order_worker

    with worker("--processes", "1") as running:
        child = WorkerRecord.objects.get()

        assert tasks.add.enqueue(1, 1).wait(60).return_value == 2
        assert order_worker(engine_of("default"), child.pk, "dump")
        report = eventually(lambda: WorkerRecord.objects.get().report)
        assert "fetcher.py" in report

        assert order_worker(engine_of("default"), child.pk, "drain")
        eventually(lambda: WorkerRecord.objects.get().draining)
        assert order_worker(engine_of("default"), child.pk, "resume")
        eventually(lambda: not WorkerRecord.objects.get().draining)
        assert tasks.add.enqueue(1, 2).wait(60).return_value == 3

        assert order_worker(engine_of("default"), child.pk, "stop")
        eventually(lambda: set(child_pids()) - {child.pid})
        assert running.process.poll() is None
