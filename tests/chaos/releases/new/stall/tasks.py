"""After: `send` is called `deliver`, `sweep` is gone, the rest takes other arguments."""

from typing import Any

from djtasks import task
from djtasks.context import Context
from tests.chaos.tasks import begin, end

COUNT = 40


@task(takes_context=True)
def steady(context: Context) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True, aliases="stall.tasks.send")
def deliver(context: Context, to: str) -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def greet(context: Context, name: str, tone: str = "warm") -> dict[str, Any]:
    return end(context, begin(context))


@task(takes_context=True)
def charge(context: Context, amount: str) -> dict[str, Any]:
    return end(context, begin(context))


def fill() -> None:
    """Enqueue what the new code enqueues."""
    steady.enqueue_many([()] * COUNT)
    deliver.enqueue_many([("bob",)] * COUNT)
    greet.enqueue_many([("bob", "cold")] * COUNT)
    charge.enqueue_many([("5 EUR",)] * COUNT)
