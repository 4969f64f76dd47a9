"""Tasks that tests run, here and in worker processes."""

import asyncio
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

from django.db import connection, transaction

from djtasks import Backoff, Cancel, Retry, task
from djtasks.context import Context
from tests.models import Row
from tests.workflows import tasks as of_workflows  # noqa: F401 - for worker processes, too


@task
def add(a: int, b: int) -> int:
    return a + b


@task
async def add_async(a: int, b: int) -> int:
    return a + b


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def double(number: int) -> int:
    return 2 * number


@task
def write_row(name: str) -> int:
    return Row.objects.create(name=name).pk


@task
def explode(message: str = "boom") -> None:
    raise ValueError(message)


@task(max_attempts=3, backoff=Backoff(first_delay=timedelta(0), longest_delay=timedelta(0)))
def flaky(message: str = "boom") -> None:
    raise ValueError(message)


@task(max_attempts=2)
def asks_for_retry(seconds: float) -> None:
    raise Retry("not yet", delay=seconds)


@task
def cancels_itself(reason: str) -> None:
    raise Cancel(reason)


@task
def enqueues(levels: int) -> None:
    """Enqueue this task for the next level, and two others at once."""
    if levels:
        enqueues.enqueue(levels - 1)
        add.enqueue_many([[levels, 1], [levels, 2]])


@task
async def enqueues_async(levels: int) -> None:
    """Enqueue this task for the next level, and two others at once."""
    if levels:
        await enqueues_async.aenqueue(levels - 1)
        await add.aenqueue_many([[levels, 1], [levels, 2]])


@task(max_attempts=3, retry_on=LookupError, cancel_on="tests.models.Row.DoesNotExist")
def reads_row(name: str) -> int:
    return Row.objects.get(name=name).pk


@task(max_attempts=3, give_up_on=Exception, cancel_on=KeyError)
async def looks_up_async(name: str) -> None:
    raise KeyError(name)


@task
def exits() -> None:
    raise SystemExit(3)


@task
def is_interrupted() -> None:
    """End as if somebody had pressed Ctrl-C while it ran."""
    raise KeyboardInterrupt


@task
async def is_interrupted_async() -> None:
    """End as if somebody had pressed Ctrl-C while it ran."""
    raise KeyboardInterrupt


@task
def returns_garbage() -> object:
    return object()


@task(takes_context=True)
def needs_context(context: Context, name: str) -> dict[str, object]:
    context.set_progress(1, 2, "half way")
    return {"attempt": context.attempt, "name": name, "id": str(context.id)}


@task(takes_context=True)
def completes(context: Context, name: str, *, fails: bool = False) -> str:
    with context.complete_in_transaction() as completion:
        Row.objects.create(name=name)
        completion.value = f"stored {name}"
    if fails:
        raise ValueError("after its completion")
    return "ignored"


@task(timeout=0.2)
def sleeps_too_long(seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.01)
    return "slept"


@task
def waits_for_file(path: str) -> str:
    """Run until a file exists; writes `path`.started first, so that tests see it run."""
    with Path(f"{path}.started").open("a") as file:
        file.write(f"{os.getpid()}\n")
    while not Path(path).exists():
        time.sleep(0.01)
    return "seen"


def _leave_when_stopping(context: Context, path: str) -> list[int]:
    """Return the look before the stop and the one after it, as a test notes them down."""
    looks = [int(context.stopping)]
    Path(f"{path}.started").touch()
    while not context.stopping:
        time.sleep(0.01)
    return [*looks, int(context.stopping)]


@task(takes_context=True)
def leaves_when_stopping(context: Context, path: str) -> list[int]:
    return _leave_when_stopping(context, path)


@task(takes_context=True)
async def leaves_when_stopping_async(context: Context, path: str) -> list[int]:
    return await asyncio.to_thread(_leave_when_stopping, context, path)


@task(takes_context=True)
def is_stopping(context: Context) -> bool:
    return context.stopping


@task
def kills_its_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(max_crashes=1)
def never_twice(path: str) -> None:
    """Note down that it ran, then kill its process."""
    with Path(path).open("a") as file:
        file.write("ran\n")
    os.kill(os.getpid(), signal.SIGKILL)


@task(store="errors")
def leaves_nothing(value: int = 0) -> int:
    if value < 0:
        raise ValueError(value)
    return value


@task(unique=True)
def only_once(key: str) -> str:
    return key


@task(timeout=0.3)
def ignores_its_limit() -> None:
    """Stay in C code, where no exception arrives."""
    time.sleep(3600)


@task(takes_context=True)
def reports_until_cancelled(context: Context) -> str:
    """Run until it is cancelled, asking politely."""
    done = 0
    while not context.cancelled:
        done += 1
        context.set_progress(done, None, "still here")
        time.sleep(0.01)
    return "asked and stopped"


@task
def spins() -> None:
    """Run until something is raised in it."""
    while True:
        time.sleep(0.005)


@task(timeout=0.2)
async def sleeps_async(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@task
async def waits_for_file_async(path: str) -> str:
    """Wait until a file exists, on the loop."""
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    return "seen"


@task
async def writes_row_async(name: str) -> int:
    return (await Row.objects.acreate(name=name)).pk


@task
def leaks_a_transaction() -> str:
    transaction.set_autocommit(False)
    Row.objects.create(name="leaked")
    return "left open"


@task
def closes_the_connection() -> str:
    connection.close()
    return "closed"


@task
def closes_nothing() -> None:
    """Return nothing."""
