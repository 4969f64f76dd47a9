"""Plain tasks of Django."""

from django.conf import settings
from django.tasks import task


@task
def add(a: int, b: int) -> int:
    return a + b


@task(priority=3)
def fails_once() -> str:
    """Fail until it has failed once."""
    mark = settings.SITE / "has-failed"
    if mark.exists():
        return "done"
    mark.touch()
    raise LookupError("the first time")
