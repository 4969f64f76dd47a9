"""assert_enqueued() and its kin: what rows and test backends hold."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import SimpleTestCase, TestCase, override_settings

from djtasks import task
from djtasks.errors import InvalidArguments
from djtasks.models import TaskRecord
from djtasks.testing import (
    aassert_enqueued,
    aenqueued,
    arefute_enqueued,
    arun_due,
    assert_enqueued,
    enqueued,
    refute_enqueued,
    run_due,
)
from djtasks.testing.matching import Expected
from tests import tasks
from tests.models import Row

HOUR = timedelta(hours=1)


@task
def pick(first: int, *rest: int, fast: bool = False, **more: str) -> None:
    """Take arguments in every way."""


@pytest.fixture(params=["rows", "DummyBackend", "ImmediateBackend"])
def kept(request, settings, db):
    """Each place that tasks are enqueued into."""
    if request.param != "rows":
        entry = {"BACKEND": f"djtasks.testing.{request.param}", "QUEUES": []}
        settings.TASKS = {"default": entry}
    return request.param


class UncommittedTests(TestCase):
    def test_the_open_transaction_is_what_counts(self):
        with transaction.atomic():
            tasks.add.enqueue(1, 2)
            assert_enqueued(tasks.add)
        with transaction.atomic():
            tasks.add.enqueue(3, 4)
            transaction.set_rollback(True)

        assert_enqueued(tasks.add, count=1)

    async def test_in_a_coroutine_too(self):
        await tasks.write_row.aenqueue("ada")
        await tasks.add_async.aenqueue(1, 2)

        assert len(await aassert_enqueued(tasks.write_row, args=["ada"])) == 1
        await arefute_enqueued(tasks.write_row, args=["bob"])
        assert [one.return_value for one in await arun_due()][1] == 3
        assert len(await aenqueued()) == 2
        assert await Row.objects.aget(name="ada")


@override_settings(TASKS={"default": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": []}})
class NoDatabaseTests(SimpleTestCase):
    def test_a_test_backend_needs_no_database(self):
        tasks.add.enqueue(1, 2)

        assert_enqueued(tasks.add, kwargs={"b": 2})


def test_arguments_match_however_they_were_passed(kept):
    pick.using(priority=5).enqueue(1, 2, 3, color="red", size="small")
    tasks.add.enqueue(1, b=2)

    for args, kwargs in [
        (None, None), ([1], None), ((1, 2), None), ([1, 2, 3], {"color": "red"}),
        (None, {"first": 1}), (None, {"fast": False}),
    ]:  # fmt: skip
        assert len(assert_enqueued(pick, args=args, kwargs=kwargs)) == 1
    for args, kwargs in [
        ([2], None), ([1, 2, 4], None), ([1, 2, 3, 4], None), (None, {"fast": True}),
        (None, {"size": "big"}),
    ]:  # fmt: skip
        refute_enqueued(pick, args=args, kwargs=kwargs)
    assert_enqueued(tasks.add, args=[1, 2])
    assert_enqueued(tasks.add, kwargs={"a": 1, "b": 2})
    assert [one.args for one in enqueued()] == [[1, 2, 3], [1]]
    assert [one.task.name for one in enqueued(args=[1])] == ["pick", "add"]
    with pytest.raises(InvalidArguments, match=r"unexpected keyword.*signature is \(a: int, b"):
        refute_enqueued(tasks.add, kwargs={"c": 1})


def test_queue_delay_and_count_match(kept):
    tasks.add.using(queue_name="mail", run_after=HOUR).enqueue(1, 2)
    tasks.add.enqueue(1, 2)

    assert_enqueued(tasks.add, count=2)
    assert_enqueued(tasks.add, queue="mail", due_in=HOUR, count=1)
    assert_enqueued(tasks.add, queue="default", due_in=timedelta(0), count=1)
    refute_enqueued(tasks.add, queue="mail", due_in=timedelta(0))
    refute_enqueued(tasks.add, queue="reports")
    assert_enqueued(tasks.explode, count=0)


def test_a_task_counts_in_every_state_once(kept):
    tasks.flaky.enqueue("no")
    if kept == "rows":
        run_due()

    (result,) = assert_enqueued(tasks.flaky, count=1)
    assert result.attempts == {"DummyBackend": 0}.get(kept, 3)


def test_a_retry_is_due_after_its_delay(engine):
    tasks.asks_for_retry.enqueue(60)
    run_due()

    assert_enqueued(tasks.asks_for_retry, due_in=timedelta(minutes=1))
    refute_enqueued(tasks.asks_for_retry, due_in=timedelta(minutes=2))


def test_the_message_shows_the_nearest_first_and_what_differs(kept):
    tasks.explode.enqueue("boom" * 100)
    tasks.add.using(queue_name="mail").enqueue(7, 8)
    tasks.add.enqueue(1, 3)
    state = {"ImmediateBackend": "SUCCESSFUL"}.get(kept, "READY")

    with pytest.raises(AssertionError) as raised:
        assert_enqueued(tasks.add, args=[1, 2], queue="default")

    heading, introduction, *lines = str(raised.value).splitlines()
    assert heading == "tests.tasks.add with 1, 2 in queue 'default' was not enqueued."
    assert introduction == "These tasks were enqueued:"
    assert lines[0] == f"  tests.tasks.add(a=1, b=3), {state}: b is 3, not 2"
    assert lines[1] == (
        f"  tests.tasks.add(a=7, b=8), {state}: a is 7, not 1; b is 8, not 2; "
        f"its queue is 'mail', not 'default'"
    )
    assert lines[2].startswith("  tests.tasks.explode(message='boomboom")
    assert lines[2].endswith("another task")
    assert len(lines[2]) < 200


def test_messages_count_and_end(engine):
    tasks.add.using(run_after=HOUR).enqueue_many([(1, n) for n in range(8)])

    with pytest.raises(AssertionError, match=r"(?s)2:00:00 was .* due in 1:00:00, not in 2"):
        assert_enqueued(tasks.add, due_in=timedelta(hours=2))
    with pytest.raises(AssertionError, match=r"(?s)was enqueued 8 times, not once\..*: matches"):
        assert_enqueued(tasks.add, count=1)
    with pytest.raises(AssertionError) as raised:
        refute_enqueued(tasks.add, kwargs={"a": 1})
    first, *shown, last = str(raised.value).splitlines()
    assert first == "tests.tasks.add with a=1 was enqueued 8 times:"
    assert (len(shown), last) == (5, "  … and 3 more")


def test_the_message_names_callbacks_that_wait_for_a_commit(engine):
    with pytest.raises(AssertionError, match=r"Nothing was enqueued\.$"):
        assert_enqueued(tasks.add)
    transaction.on_commit(lambda: tasks.add.enqueue(1, 2))

    with pytest.raises(AssertionError, match=r"1 on_commit\(\) callbacks wait"):
        assert_enqueued(tasks.add)


def test_a_record_whose_task_no_longer_exists_can_be_listed(engine):
    tasks.add.enqueue(1, 2)
    TaskRecord.objects.update(task_path="shop.tasks.gone")

    assert [one.args for one in enqueued()] == [[1, 2]]
    with pytest.raises(AssertionError, match=r"shop\.tasks\.gone\("):
        assert_enqueued(tasks.add)


def test_what_is_expected_reads_like_a_call():
    whole = Expected(task=tasks.add, args=(1,), kwargs={"b": 2}, queue="mail", due_in=HOUR)

    assert str(whole) == "tests.tasks.add with 1, b=2 in queue 'mail' due in 1:00:00"
    assert str(Expected()) == "A task"
