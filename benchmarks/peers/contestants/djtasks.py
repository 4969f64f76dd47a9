"""djtasks: the row is the task, in PostgreSQL; Valkey tells what may run."""

import time
from collections.abc import Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.peers.ledger import mark  # noqa: E402
from djtasks import task  # noqa: E402


@task
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@task
def nap(number: int) -> None:
    mark(number)
    time.sleep(0.05)


def prepare() -> None:
    call_command("migrate", verbosity=0)


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.enqueue(number, number + 1)


def add_many(numbers: Sequence[int]) -> None:
    add.enqueue_many((number, number + 1) for number in numbers)


def nap_many(numbers: Sequence[int]) -> None:
    nap.enqueue_many((number,) for number in numbers)


def stored() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT return_value::int FROM djtasks_taskrecord "
            "WHERE state = 2 AND jsonb_typeof(return_value) = 'number'"
        )
        return [value for (value,) in cursor]
