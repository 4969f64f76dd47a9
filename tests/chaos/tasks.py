"""What runs while things break. Each task tells the journal that it started and that it ended."""

import asyncio
import os
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from djtasks import Backoff, task
from djtasks.context import Context
from tests.chaos.journal import note

_TICK_SECONDS = 0.05
_SOON = Backoff(first_delay=timedelta(seconds=0.5), longest_delay=timedelta(seconds=1))


def begin(context: Context) -> dict[str, Any]:
    """Note the start; return what the end must say again."""
    worker = context.task_result.worker_ids[-1]
    note("start", context.id, context.fence, worker)
    return {"fence": context.fence, "worker": worker}


def end(context: Context, token: dict[str, Any]) -> dict[str, Any]:
    """Note the end; return the result by which a record tells whose outcome it holds."""
    note("end", context.id, token["fence"], token["worker"])
    return token


@task(takes_context=True)
def work(context: Context, milliseconds: float = 0) -> dict[str, Any]:
    token = begin(context)
    if milliseconds:
        time.sleep(milliseconds / 1000)
    return end(context, token)


@task(takes_context=True)
def tell_time(context: Context) -> dict[str, Any]:
    """Return by how many seconds this process's clock is off, by a clock nobody moves."""
    return end(context, begin(context)) | {"off": time.time() - honest_time()}


def honest_time() -> float:
    """Return the time of day, asked of another process."""
    return float(subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout)


@task(takes_context=True)
def explodes_once(context: Context, folder: str) -> None:
    """Fail the first time that a record is run, retries by hand included."""
    marker = Path(folder) / context.id
    if not marker.exists():
        marker.touch()
        raise ValueError("the first time")


@task(takes_context=True)
def padded(context: Context, padding: str) -> dict[str, Any]:
    """Need some room in the database."""
    return end(context, begin(context))


def _deep() -> Any:
    value: Any = []
    for _ in range(10_000):
        value = [value]
    return value


UNSTORABLE = {
    "huge": lambda: "x" * 10_000_000,
    "nul": lambda: "a\x00b",
    "nan": lambda: float("nan"),
    "surrogate": lambda: "\ud800",
    "deep": _deep,
    "wide": lambda: dict.fromkeys(map(str, range(1_000_000)), 1),
    "object": object,
}


@task(takes_context=True)
def return_it(context: Context, how: str) -> Any:
    """Return what no database takes as JSON."""
    end(context, begin(context))
    return UNSTORABLE[how]()


@task(takes_context=True)
async def work_async(context: Context, milliseconds: float = 0) -> dict[str, Any]:
    token = begin(context)
    await asyncio.sleep(milliseconds / 1000)
    return end(context, token)


@task(takes_context=True)
def wait_for(context: Context, path: str) -> dict[str, Any]:
    """Run until a file exists, saying every moment that this process still lives."""
    token = begin(context)
    while not Path(path).exists():
        time.sleep(_TICK_SECONDS)
        note("tick", context.id, context.fence, token["worker"])
    return end(context, token)


@task(takes_context=True, max_attempts=3, backoff=_SOON)
def fails_twice(context: Context) -> dict[str, Any]:
    token = begin(context)
    end(context, token)
    if context.attempt < 3:
        raise ValueError("not yet")
    return token


@task(takes_context=True)
def kill_process(context: Context, how: str) -> None:
    """Be poison."""
    begin(context)
    _WAYS_TO_DIE[how]()


@task(takes_context=True, unique=True)
def once_at_a_time(context: Context, key: str, milliseconds: float = 0) -> dict[str, Any]:
    token = begin(context)
    time.sleep(milliseconds / 1000)
    return end(context, token)


told_to_raise = False
_AT_ONCE = Backoff(first_delay=timedelta(0), longest_delay=timedelta(0))


@task(backoff=_AT_ONCE)
def told() -> None:
    """Raise or return, as whoever runs this process by hand wants it."""
    if told_to_raise:
        raise ValueError("as told")


def _segfault() -> None:
    import ctypes

    ctypes.string_at(0)


_WAYS_TO_DIE = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(1),
    "segfault": _segfault,
}


@task(takes_context=True)
def keep_interpreter(context: Context, seconds: float) -> dict[str, Any]:
    """Sit in C code that never lets another thread of this process run."""
    import ctypes

    token = begin(context)
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
    return end(context, token)
