"""What dies in the middle of real work, and what is left of it: nothing."""

import os
import signal
from collections import Counter

import psutil
import pytest
from django.core.cache import caches

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import FINAL, State
from tests.acceptance.processes import child_pids, worker
from tests.tasks import add
from tests.waiting import eventually

pytestmark = pytest.mark.slow

COUNT = 20_000


def states() -> Counter[int]:
    return Counter(TaskRecord.objects.values_list("state", flat=True))


def finals() -> int:
    return TaskRecord.objects.filter(state__in=FINAL).count()


def assert_each_has_its_result() -> None:
    """Every record is final and carries exactly the result of its own arguments."""
    assert states() == {State.SUCCESSFUL: COUNT}
    wrong = [
        (record.args, record.return_value)
        for record in TaskRecord.objects.only("args", "return_value")
        if record.return_value != sum(record.args)
    ]
    assert wrong == []
    assert not TaskRecord.objects.exclude(worker_ids__isnull=False).exists()
    assert set(map(len, TaskRecord.objects.values_list("worker_ids", flat=True))) == {1}


@pytest.fixture
def backlog(live_engine):
    assert add.enqueue_many((n, n + 1) for n in range(COUNT)) == COUNT


def test_a_killed_child_loses_no_task_and_stores_no_result_twice(backlog):
    with worker("--processes", "2") as running:
        eventually(lambda: finals() > 1_000)
        victim = child_pids()[0]
        os.kill(victim, signal.SIGKILL)

        eventually(lambda: finals() == COUNT, seconds=60)

        assert "Child ended" in running.output()
    assert_each_has_its_result()
    assert victim not in child_pids()


def test_a_killed_worker_loses_no_task_once_another_one_runs(backlog):
    with worker("--processes", "2") as running:
        eventually(lambda: finals() > 1_000)
        everything = [psutil.Process(running.pid), *running.descendants()]
        # All of it at once: children that outlive their supervisor give back what they hold.
        for process in everything:
            process.suspend()
        held = TaskRecord.objects.filter(state=State.RUNNING).count()
        for process in everything:
            process.kill()

        assert held > 0, "the fault hit nothing"
    with worker("--processes", "2") as successor:
        eventually(lambda: finals() == COUNT, seconds=60)

        assert "Worker is dead" in successor.output()
    assert_each_has_its_result()


def test_a_flushed_redis_loses_no_task_and_needs_nobody(backlog):
    with worker("--processes", "2"):
        eventually(lambda: finals() > 1_000)
        redis = caches["tasks"].client.get_client()
        lost = sum(redis.zcard(key) for key in redis.scan_iter())
        redis.flushdb()

        eventually(lambda: finals() == COUNT, seconds=60)

    assert lost > 1_000, "the fault hit nothing"
    assert_each_has_its_result()


def test_a_stopped_worker_says_goodbye(live_engine):
    with worker("--processes", "2") as running:
        eventually(lambda: WorkerRecord.objects.count() == 2)

        running.signal(signal.SIGTERM)

        assert running.wait() == 0
        assert WorkerRecord.objects.count() == 0
