"""The signals of djtasks, next to Django's task_enqueued, task_started and task_finished.

djtasks sends them with `send_robust` after the row is durable: a receiver cannot lose or fail a
task, and a worker that is killed sends none.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.dispatch import Signal

from djtasks.compat import task_enqueued as task_enqueued
from djtasks.compat import task_finished as task_finished
from djtasks.compat import task_started as task_started
from djtasks.definitions.task import Task

# sender=the backend's class; task_result, error (the exception), delay (a timedelta)
task_retrying = Signal()
# sender=the backend's class; task_result
task_cancelled = Signal()
# sender=the backend's class; backend (the TASKS alias), workflow (its id), state (a WorkflowState)
workflow_finished = Signal()
# sender=the supervisor's class; worker (its id), host, pid
worker_started = Signal()
worker_stopped = Signal()
# sender=the backend's class; backend (the TASKS alias). Sent in each process that runs tasks:
# before it takes the first one, and after the last one if it is not killed.
process_started = Signal()
process_stopping = Signal()

_ties: set[tuple[type[Model], str, str]] = set()


def primary_key(instance: Model) -> tuple[Any]:
    """Return the default arguments of `enqueue_on`: the primary key of the saved instance.

    A key that JSON cannot carry, such as a UUID, becomes text; `objects.get(pk=...)` accepts it.
    A task whose argument is annotated with the model receives the instance.
    """
    key = instance.pk
    return ([_carried(part) for part in key] if isinstance(key, tuple) else _carried(key),)


def _carried(key: Any) -> int | str | None:
    return key if key is None or isinstance(key, int | str) else str(key)


def enqueue_on(
    signal: Signal,
    *,
    sender: type[Model],
    task: Task[..., Any],
    args: Callable[[Any], tuple[Any, ...]] = primary_key,
    when: Callable[..., bool] | None = None,
) -> None:
    """Enqueue `task` whenever `sender` sends a model signal, in the same transaction.

    Call it from `AppConfig.ready`. `args(instance)` returns the positional arguments;
    `when(instance, **signal_arguments)` returns whether to enqueue at all. Saves marked `raw`
    (fixtures) are skipped. In Django, `bulk_create()` and `update()` send no signal.
    A second call for the same signal, sender and task has no effect.
    """

    def receive(*, instance: Model, **arguments: Any) -> None:
        if arguments.get("raw"):
            return
        if when is None or when(instance, **arguments):
            task.enqueue(*args(instance))

    identity = ("djtasks.enqueue_on", task.module_path)
    signal.connect(receive, sender=sender, weak=False, dispatch_uid=identity)
    _ties.add((sender, task.module_path, task.backend))


def ties() -> set[tuple[type[Model], str, str]]:
    """Return (model, task path, backend alias) of everything tied so far, for the checks."""
    return set(_ties)
