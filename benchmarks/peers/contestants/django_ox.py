"""django-ox: a row in PostgreSQL a task, with its result, through the ORM."""

import time
from collections.abc import Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.tasks import task  # noqa: E402
from django_ox.bulk import enqueue_many  # noqa: E402
from django_ox.models import OxTask  # noqa: E402

from benchmarks.peers.ledger import mark  # noqa: E402


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
    enqueue_many(add, [((number, number + 1), {}) for number in numbers])


def nap_many(numbers: Sequence[int]) -> None:
    enqueue_many(nap, [((number,), {}) for number in numbers])


def stored() -> list[int]:
    done = OxTask.objects.filter(status="SUCCESSFUL", return_value__isnull=False)
    return list(done.order_by().values_list("return_value", flat=True))
