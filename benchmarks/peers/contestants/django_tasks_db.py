"""django-tasks-db: a row in PostgreSQL a task, with its result, through the ORM."""

from collections.abc import Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django_tasks import task  # noqa: E402
from django_tasks_db.models import DBTaskResult  # noqa: E402

from benchmarks.peers.ledger import mark  # noqa: E402


@task
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


def prepare() -> None:
    call_command("migrate", verbosity=0)


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.enqueue(number, number + 1)


def stored() -> list[int]:
    done = DBTaskResult.objects.filter(status="SUCCESSFUL")
    return list(done.order_by().values_list("return_value", flat=True))
