"""What the benchmarks run."""

import time
from typing import Any

from djtasks import task
from djtasks.context import Context


@task
def add(a: int, b: int) -> int:
    return a + b


@task
def add_slowly(a: int, b: int) -> int:
    time.sleep(0.003)
    return a + b


@task
def moment(asked_at: float) -> float:
    """Return the seconds from the call of enqueue() to this line."""
    return time.time() - asked_at


@task
def nap(number: int) -> int:
    time.sleep(0.05)
    return number


@task
def echo(text: str) -> str:
    return text


@task(store="errors")
def add_unkept(a: int, b: int) -> int:
    return a + b


@task(takes_context=True)
def add_and_tell(context: Context, a: int, b: int) -> int:
    context.set_progress(1, 2, "half of it")
    return a + b


@task
def compute(number: int) -> int:
    """Compute for 5 ms of CPU, however much of it others take."""
    until = time.thread_time_ns() + 5_000_000
    while time.thread_time_ns() < until:
        pass
    return number


def through(run: Any) -> Any:
    """A middleware that only hands on."""

    def handed_on(context: Context) -> Any:
        return run(context)

    return handed_on
