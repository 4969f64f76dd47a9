"""Enqueue tasks that succeed, are retried by django-overseer, and are unique."""

from collections import Counter
from collections.abc import Iterator

from overseer.models import Job

from tests.libraries.overseer_site import tasks

_HERE = "tests.libraries.overseer_site.tasks"
_EXPECTED = {
    (f"{_HERE}.add", "SUCCESSFUL", ""): 2,
    (f"{_HERE}.fails_once", "FAILED", "builtins.LookupError"): 1,
    (f"{_HERE}.fails_once", "SUCCESSFUL", ""): 1,
    (f"{_HERE}.only_once", "SUCCESSFUL", ""): 1,
}
_JOBS = {"add": ["SUCCEEDED"] * 2, "fails_once": ["SUCCEEDED"], "only_once": ["SUCCEEDED"]}


def enqueue() -> None:
    """Enqueue each task; the second of two unique ones is the first."""
    tasks.add.enqueue(1, 2)
    tasks.add.using(priority=5).enqueue(3, b=4)
    tasks.fails_once.enqueue()
    first, second = tasks.only_once.enqueue(7), tasks.only_once.enqueue(7)
    assert first.id == second.id, "a unique task was enqueued twice"


def retry() -> None:
    """Do nothing: django-overseer enqueues a retry when it hears of the failure.

    A worker with --burst may have ended by then, since it waits for tasks and not for receivers.
    """


SCENES = (enqueue, retry)


def problems(ended: Counter[tuple[str, str, str]]) -> Iterator[str]:
    """Yield what is not as it must be. A retry of django-overseer is a task of its own."""
    if ended != _EXPECTED:
        yield f"The tasks ended as {dict(ended)}."
    jobs: dict[str, list[str]] = {}
    for name, status in Job.objects.order_by("pk").values_list("task_name", "status"):
        jobs.setdefault(name, []).append(status)
    if jobs != _JOBS:
        yield f"django-overseer shows {jobs}."
