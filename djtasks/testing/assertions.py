"""Find what was enqueued: rows of the open transaction, and what test backends keep."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from djtasks.compat import task_backends
from djtasks.definitions.task import Task
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.models import TaskRecord
from djtasks.results import TaskResult
from djtasks.store import queue_database
from djtasks.testing.backends import DummyBackend
from djtasks.testing.matching import Enqueued, Expected
from djtasks.testing.opening import from_row

_MOST_SHOWN = 5


def enqueued(
    task: Task[..., Any] | None = None,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    due_in: timedelta | None = None,
) -> list[TaskResult[Any]]:
    """Return the results of all matching tasks that this test can see, in any state, oldest first.

    `task` None is every task. `args` and `kwargs` are the arguments that matter, positional ones
    from the first on; it does not matter how your code passed them. `due_in` is counted from when
    the task was enqueued, or from now; it may differ by a second, or by 1 %.

    Raises InvalidArguments if the task does not have these arguments.
    """
    expected = Expected(task=task, args=args, kwargs=kwargs, queue=queue, due_in=due_in)
    return [one.result for one in _visible() if not expected.differences(one)]


def assert_enqueued(
    task: Task[..., Any] | None = None,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    due_in: timedelta | None = None,
    count: int | None = None,
) -> list[TaskResult[Any]]:
    """Fail unless a matching task was enqueued; return the results of all that match.

    `count` is how many must match; None is one or more. For the others, see enqueued(). The
    message shows the tasks that come nearest, and how each differs.
    """
    __tracebackhide__ = True
    expected = Expected(task=task, args=args, kwargs=kwargs, queue=queue, due_in=due_in)
    visible = list(_visible())
    matching = [one.result for one in visible if not expected.differences(one)]
    if len(matching) == count or (matching and count is None):
        return matching
    if count is None:
        raise AssertionError(f"{expected} was not enqueued.\n{_nearest(expected, visible)}")
    raise AssertionError(
        f"{expected} was enqueued {_times(len(matching))}, not {_times(count)}.\n"
        f"{_nearest(expected, visible)}"
    )


def refute_enqueued(
    task: Task[..., Any] | None = None,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    queue: str | None = None,
    due_in: timedelta | None = None,
) -> None:
    """Fail if a matching task was enqueued; see enqueued()."""
    __tracebackhide__ = True
    expected = Expected(task=task, args=args, kwargs=kwargs, queue=queue, due_in=due_in)
    matching = [one for one in _visible() if not expected.differences(one)]
    if matching:
        lines = [f"{expected} was enqueued {_times(len(matching))}:", *map(_line, matching)]
        raise AssertionError("\n".join(_shortened(lines)))


aenqueued = sync_to_async(enqueued)
aassert_enqueued = sync_to_async(assert_enqueued)
arefute_enqueued = sync_to_async(refute_enqueued)


def _visible() -> Iterator[Enqueued]:
    """Return what rows and test backends hold, each oldest first."""
    aliases = our_aliases()
    if aliases:
        # All aliases share one database.
        yield from _stored(engine_of(aliases[0]))
    for alias in task_backends:
        backend = task_backends[alias]
        if isinstance(backend, DummyBackend):
            yield from map(_kept, backend.results)
            for workflow in backend.workflows.kept if backend.workflows else ():
                yield from map(_kept, workflow.results())


def _stored(engine: Engine) -> Iterator[Enqueued]:
    now = engine.now()
    for row in TaskRecord.objects.using(engine.database).order_by("enqueued_at", "pk"):
        due_in = (row.run_after - now, row.run_after - row.enqueued_at)
        yield Enqueued(result=from_row(row), due_in=due_in)


def _kept(result: TaskResult[Any]) -> Enqueued:
    task, delay = result.task, timedelta(0)
    if isinstance(task.run_after, datetime):
        assert result.enqueued_at is not None
        delay = task.run_after - result.enqueued_at
    delay = getattr(task, "run_after_delay", None) or delay
    return Enqueued(result=result, due_in=(delay, delay))


def _nearest(expected: Expected, visible: Sequence[Enqueued]) -> str:
    """Return what was enqueued, nearest first, and how each differs."""
    if not visible:
        return f"Nothing was enqueued.{_waiting_for_commit()}"
    found = [(one, expected.differences(one)) for one in visible]
    found.sort(key=lambda pair: (pair[0].path != _path(expected), len(pair[1])))
    lines = [f"{_line(one)}: {'; '.join(why) or 'matches'}" for one, why in found]
    return "\n".join(_shortened(["These tasks were enqueued:", *lines]))


def _path(expected: Expected) -> str | None:
    return None if expected.task is None else expected.task.module_path


def _line(one: Enqueued) -> str:
    return f"  {one}"


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - 1 - _MOST_SHOWN
    return [*lines[: 1 + _MOST_SHOWN], f"  … and {more:,} more"] if more > 0 else lines


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _waiting_for_commit() -> str:
    """Name the usual cause in a test that never commits."""
    waiting = len(connections[queue_database()].run_on_commit)
    if not waiting:
        return ""
    return (
        f" {waiting} on_commit() callbacks wait for a commit, which never comes in a TestCase: run "
        f"them with captureOnCommitCallbacks(execute=True)."
    )
