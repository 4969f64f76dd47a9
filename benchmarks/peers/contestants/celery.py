"""Celery 5 on Redis; three settings, two of them with django-celery-results."""

import json
import os
import time
from collections.abc import Sequence

import celery
import django

from benchmarks.peers.ledger import mark

IN_DJANGO = "DJANGO_SETTINGS_MODULE" in os.environ
if IN_DJANGO:
    django.setup()
app = celery.Celery("peers", broker=os.environ["PEERS_REDIS"])
app.conf.update(json.loads(os.environ["PEERS_SETTINGS"]))


@app.task
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@app.task
def nap(number: int) -> None:
    mark(number)
    time.sleep(0.05)


def prepare() -> None:
    if IN_DJANGO:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.delay(number, number + 1)


def nap_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        nap.delay(number)


if IN_DJANGO:

    def stored() -> list[int]:
        from django_celery_results.models import TaskResult

        done = TaskResult.objects.filter(status="SUCCESS").exclude(result="null")
        return [int(value) for value in done.values_list("result", flat=True)]
