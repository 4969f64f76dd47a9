"""Enqueue tasks that succeed and fail, and retry the failure from django-tasks-monitor."""

from collections import Counter
from collections.abc import Iterator

from tasks_monitor.models import TaskRecord
from tasks_monitor.retry import retry

from tests.libraries.monitor_site import tasks

_HERE = "tests.libraries.monitor_site.tasks"
_EXPECTED = {
    (f"{_HERE}.add", "SUCCESSFUL", ""): 1,
    (f"{_HERE}.fails_once", "FAILED", "builtins.LookupError"): 1,
    (f"{_HERE}.fails_once", "SUCCESSFUL", ""): 1,
}
_SHOWN = [
    ("add", "SUCCESSFUL", ""),
    ("fails_once", "FAILED", "builtins.LookupError"),
    ("fails_once", "SUCCESSFUL", ""),
]


def enqueue() -> None:
    """Enqueue a task that succeeds, and one that fails."""
    tasks.add.enqueue(1, 2)
    tasks.fails_once.enqueue()


def retry_the_failure() -> None:
    """Retry it as its page does."""
    retry(TaskRecord.objects.get(status="FAILED"))


SCENES = (enqueue, retry_the_failure)


def problems(ended: Counter[tuple[str, str, str]]) -> Iterator[str]:
    """Yield what is not as it must be."""
    if ended != _EXPECTED:
        yield f"The tasks ended as {dict(ended)}."
    rows = TaskRecord.objects.order_by("pk").values_list("task_path", "status", "exception_class")
    shown = [(path.rpartition(".")[2], status, error) for path, status, error in rows]
    if shown != _SHOWN:
        yield f"django-tasks-monitor shows {shown}."
