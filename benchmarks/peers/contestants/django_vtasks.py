"""django-vtasks on Valkey: a list, acknowledged; no results."""

import asyncio
from collections.abc import Sequence

import django

django.setup()

from django.tasks import default_task_backend, task  # noqa: E402

from benchmarks.peers.ledger import mark  # noqa: E402


@task
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@task
async def nap(number: int) -> None:
    mark(number)
    await asyncio.sleep(0.05)


def prepare() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.enqueue(number, number + 1)


def add_many(numbers: Sequence[int]) -> None:
    default_task_backend.enqueue_many([(add, (number, number + 1), {}) for number in numbers])


def nap_many(numbers: Sequence[int]) -> None:
    default_task_backend.enqueue_many([(nap, (number,), {}) for number in numbers])
