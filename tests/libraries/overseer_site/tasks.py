"""Tasks with policies of django-overseer."""

import overseer
from django.conf import settings


@overseer.task()
def add(a: int, b: int) -> int:
    return a + b


@overseer.task(retries=1, backoff="constant", backoff_base=0, jitter=False)
def fails_once() -> str:
    """Fail in the first attempt."""
    mark = settings.SITE / "has-failed"
    if mark.exists():
        return "done"
    mark.touch()
    raise LookupError("the first time")


@overseer.task(unique=True)
def only_once(number: int) -> int:
    return number
