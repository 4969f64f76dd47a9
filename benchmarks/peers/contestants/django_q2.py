"""django-q2: a list in Redis, results through the ORM."""

from collections.abc import Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django_q.models import Success  # noqa: E402
from django_q.tasks import async_task  # noqa: E402

from benchmarks.peers.ledger import mark  # noqa: E402


def add(a: int, b: int) -> int:
    mark(a)
    return a + b


def prepare() -> None:
    call_command("migrate", verbosity=0)


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        async_task(add, number, number + 1)


def stored() -> list[int]:
    return list(Success.objects.values_list("result", flat=True))
