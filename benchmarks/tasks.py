"""What the benchmarks run."""

import time

from djtasks import task


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
