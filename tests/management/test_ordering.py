"""`djtasks purge`, `drain` and `stop`: what the pages of queues and workers do."""

import sys
from datetime import timedelta
from typing import Any

import pytest

from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from tests.management.test_acting import Keyboard
from tests.management.test_djtasks_command import refused, said
from tests.tasks import add
from tests.worker.making import WORKER, claim_all

pytestmark = pytest.mark.usefixtures("engine")


def worker(host: str, pid: int, **more: Any) -> WorkerRecord:
    return WorkerRecord.objects.create(
        backend="default", supervisor=new_id(), host=host, pid=pid, slots=8, **more
    )


def test_purge_deletes_what_waits_after_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    add.using(queue_name="mail").enqueue(1, 2)
    claim_all(WORKER)
    for delay in (0, 1):
        add.using(queue_name="mail", run_after=timedelta(hours=delay)).enqueue(1, 2)
    add.enqueue(1, 2)
    question = "Delete 2 tasks of queue mail of TASKS['default'] for good? [y/N] "

    monkeypatch.setattr(sys, "stdin", Keyboard("no\n"))
    assert refused("purge", "mail", "--backend", "default") == (question, "Nothing was done.")
    assert TaskRecord.objects.count() == 4
    monkeypatch.setattr(sys, "stdin", Keyboard("yes\n"))
    assert said("purge", "mail", "--backend", "default") == (
        f"{question}2 tasks of queue mail of TASKS['default'] deleted.\n"
    )

    left = set(TaskRecord.objects.values_list("queue", "state"))
    assert left == {("mail", State.RUNNING), ("default", State.READY)}


def test_purge_of_nothing_asks_nothing() -> None:
    text = said("purge", "mail", "--backend", "default", "--yes")

    assert text == "No task waits in queue mail of TASKS['default'].\n"
    assert "Did you mean 'mail'?" in refused("purge", "mial", "--backend", "default")[1]


@pytest.mark.parametrize(
    ("words", "order"),
    [(["drain"], "drain"), (["drain", "--undo"], "resume"), (["stop"], "stop")],
)
def test_workers_are_given_orders_by_name(
    words: list[str], order: str, django_capture_on_commit_callbacks: Any
) -> None:
    one, other, third = worker("web-1", 7), worker("web-1", 8), worker("web-2", 7)

    with django_capture_on_commit_callbacks(execute=True):
        assert said(*words, "web-1:8") == (
            f"Worker web-1:8 was asked to {order}. It obeys at its next heartbeat.\n"
        )
        said(*words, str(third.pk))
    for row in (one, other, third):
        row.refresh_from_db()
    assert [row.order for row in (one, other, third)] == ["", order, order]
    assert len(said(*words, "web-1").splitlines()) == 2


def test_an_unknown_worker_is_refused() -> None:
    assert refused("stop", "web-1")[1] == "There is no worker 'web-1'. Workers: none."
    worker("web-1\x1b", 7)

    error = refused("drain", "web-2\x1b:7")[1]

    assert error == "There is no worker 'web-2\\x1b:7'. Did you mean 'web-1\\x1b:7'?"
