"""Tasks of all kinds, in words that old versions of djtasks understand, too."""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

import djtasks
from djtasks import Backoff, CatchUp, Every, periodic, task
from djtasks.context import Context
from tests.chaos.tasks import begin, end

COUNT = 20
_AT_ONCE = Backoff(first_delay=timedelta(seconds=0.1), longest_delay=timedelta(seconds=0.1))


def _did(context: Context, seconds: float = 0) -> dict[str, Any]:
    token = begin(context)
    time.sleep(seconds)
    return end(context, token) | {"home": djtasks.__file__}


@task(takes_context=True)
def plain(context: Context) -> dict[str, Any]:
    return _did(context, 0.1)


@task(takes_context=True)
async def coroutine(context: Context) -> dict[str, Any]:
    return _did(context)


@task(takes_context=True, unique=True)
def unique(context: Context, key: str) -> dict[str, Any]:
    return _did(context)


@task(takes_context=True, max_attempts=3, backoff=_AT_ONCE)
def retried(context: Context) -> dict[str, Any]:
    done = _did(context)
    if context.attempt < 3:
        raise ValueError
    return done


@task(takes_context=True)
def failing(context: Context) -> None:
    _did(context)
    raise ValueError


@periodic(
    Every(timedelta(seconds=1)),
    name="every second",
    missed=CatchUp(1000),
    ends_at=datetime.fromisoformat(os.environ["MIXED_UNTIL"]),
)
@task(takes_context=True)
def every_second(context: Context) -> dict[str, Any]:
    return _did(context)


def fill(name: str) -> None:
    """Enqueue 7 * COUNT tasks, of which COUNT are cancelled."""
    for one in (plain, coroutine, retried, failing):
        one.enqueue_many([()] * COUNT)
    # Until the commit, no worker can end the first of two calls.
    with transaction.atomic():
        for number in 2 * [*range(COUNT)]:
            unique.enqueue(f"{name} {number}")
    now = datetime.now(UTC)
    plain.using(run_after=now + timedelta(seconds=3)).enqueue_many([()] * COUNT)
    tomorrow = plain.using(run_after=now + timedelta(days=1))
    for result in [tomorrow.enqueue() for _ in range(COUNT)]:
        result.cancel()
