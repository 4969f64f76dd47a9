"""Before: `send` will be renamed, `sweep` removed, `greet` and `charge` take other arguments."""

from typing import Any

from djtasks import task
from djtasks.context import Context
from tests.chaos.tasks import begin, end

COUNT = 40


@task(takes_context=True)
def steady(context: Context) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def send(context: Context, to: str) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def sweep(context: Context) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def greet(context: Context, name: str) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def charge(context: Context, amount: int, currency: str) -> dict[str, Any]:
    return end(context, begin(context))


def fill() -> None:
    """Enqueue what the old code enqueues."""
    steady.enqueue_many([()] * COUNT)
    send.enqueue_many([("ada",)] * COUNT)
    sweep.enqueue_many([()] * COUNT)
    greet.enqueue_many([("ada",)] * COUNT)
    charge.enqueue_many([(5, "EUR")] * COUNT)
