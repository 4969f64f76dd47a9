"""crash_at_start() and crash_before_result(): what an execution leaves that ends there."""

from datetime import timedelta

import pytest
from django.test import TestCase

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.testing import (
    arun_due,
    crash_at_start,
    crash_before_result,
    run_due,
)
from tests import tasks
from tests.models import Row

CRASHES = [crash_at_start, crash_before_result]


class SurvivalTests(TestCase):
    def test_a_task_survives_the_death_of_its_worker(self):
        tasks.write_row.enqueue("ada")
        with crash_at_start():
            (left,) = run_due()
        assert (left.state, left.attempts) == (State.RUNNING, 1)
        assert not Row.objects.exists()

        with crash_before_result():
            run_due()
        assert Row.objects.count() == 1

        (done,) = run_due()
        assert (done.state, done.attempts) == (State.SUCCESSFUL, 1)
        assert Row.objects.count() == 2, "at least once, so perhaps twice"
        assert TaskRecord.objects.get().crash_count == 2
        assert not WorkerRecord.objects.exists()

    async def test_a_coroutine_too(self):
        await tasks.add_async.aenqueue(1, 2)
        for crash in CRASHES:
            with crash(tasks.add_async):
                assert (await arun_due())[0].state is State.RUNNING

        assert (await arun_due())[0].return_value == 3


@pytest.mark.django_db
class TestCrashes:
    @pytest.mark.usefixtures("servers")
    @pytest.mark.parametrize("crash", CRASHES)
    def test_a_task_that_dies_has_its_moments_in_order(self, engine, crash):
        result = tasks.add.using(max_crashes=1).enqueue(1, 2)
        with crash():
            run_due()
        run_due()

        row = TaskRecord.objects.get(pk=result.id)
        assert row.enqueued_at < row.started_at < row.finished_at

    @pytest.mark.parametrize("crash", CRASHES)
    def test_the_last_crash_that_a_task_may_have_makes_it_fail(self, engine, crash, caplog):
        twice = tasks.add.using(max_crashes=2).enqueue(1, 2)
        once = tasks.add.using(max_crashes=1).enqueue(3, 4)
        for _crash in range(3):
            with crash():
                run_due()
        assert run_due() == []

        for result in (twice, once):
            result.refresh()
            assert result.state is State.FAILED
            assert result.errors[-1].exception_class_path.endswith("WorkerLost")
        assert caplog.text.count("Task lost with its worker") == 2

    @pytest.mark.parametrize("crash", CRASHES)
    def test_only_one_execution_dies_and_no_other_record_notices(self, engine, crash):
        tasks.add.using(max_crashes=1, priority=-5).enqueue(1, 2)
        tasks.flaky.enqueue("no")
        tasks.completes.using(priority=-1).enqueue("ada")
        tasks.add.using(expires=timedelta(hours=1), priority=9).enqueue(5, 6)

        with crash(tasks.completes):
            first = run_due(advance=timedelta(hours=2))
        second = run_due()

        assert first[0].state is State.EXPIRED, "what is refused is not executed"
        assert [one.task.name for one in first[1:]] == ["flaky"] * 3 + ["completes"]
        again = ["completes"] if crash is crash_at_start else []
        assert [one.task.name for one in second] == [*again, "add"]
        assert Row.objects.get().name == "ada", "its own transaction has made it final"

    def test_a_block_without_a_crash_fails(self, engine):
        with pytest.raises(AssertionError, match="No execution of a task"), crash_at_start():
            run_due()
        tasks.flaky.enqueue()
        with pytest.raises(AssertionError, match=r"tests\.tasks\.add"), crash_at_start(tasks.add):
            run_due()
        with pytest.raises(ZeroDivisionError), crash_at_start():
            raise ZeroDivisionError
        tasks.add.enqueue(1, 2)
        assert [one.return_value for one in run_due()] == [3]
