"""run_due(): what the database holds is run in the test's own transaction."""

from datetime import timedelta

import pytest
from django.test import TestCase

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests import tasks
from tests.models import Row


class SignUpTests(TestCase):
    """The way a project tests: nothing is ever committed."""

    def test_what_was_enqueued_runs_and_its_results_are_there(self):
        result = tasks.write_row.enqueue("ada")
        assert not Row.objects.exists()

        (ran,) = run_due()

        assert Row.objects.get().name == "ada"
        result.refresh()
        assert result.return_value == ran.return_value
        assert ran.id == result.id


@pytest.mark.django_db
class TestRunDue:
    def test_the_more_urgent_runs_first(self):
        for priority in (0, 50, -50):
            tasks.add.using(priority=priority).enqueue(priority, 0)

        assert [result.return_value for result in run_due()] == [50, 0, -50]

    def test_what_is_not_due_waits_unless_time_is_advanced(self):
        tasks.add.using(run_after=timedelta(hours=1)).enqueue(1, 2)

        assert run_due() == []
        assert run_due(advance=timedelta(minutes=59)) == []
        assert run_due(advance=timedelta(minutes=1, seconds=1))[0].return_value == 3

    def test_retries_are_seen_one_by_one(self):
        tasks.asks_for_retry.enqueue(60)

        (first,) = run_due()
        (second,) = run_due(advance=timedelta(seconds=61))

        assert (first.state, second.state) == (State.READY, State.FAILED)

    def test_retries_without_a_delay_run_in_the_same_call(self):
        tasks.flaky.enqueue()

        assert [result.state for result in run_due()][-1] is State.FAILED
        assert TaskRecord.objects.get().attempt == 3

    def test_an_error_can_be_raised_in_the_test(self):
        tasks.explode.enqueue("look here")

        with pytest.raises(ValueError, match="look here"):
            run_due(reraise=True)

    def test_a_row_that_its_policy_deletes_is_told_of(self):
        tasks.leaves_nothing.enqueue(5)

        (result,) = run_due()

        assert result.return_value == 5
        assert not TaskRecord.objects.exists()

    def test_coroutines_run_too(self):
        tasks.add_async.enqueue(3, 4)

        assert run_due()[0].return_value == 7


def test_nothing_stops_in_a_test(engine):
    tasks.is_stopping.enqueue()

    assert [done.return_value for done in run_due()] == [False]
