"""The statistician: folds what children wrote, and counts the queues once a minute."""

import pytest

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import QueueSample, TaskStatistics, WorkerRecord
from djtasks.store import statistics
from djtasks.store.statistics import Sums, new_row
from djtasks.worker.duties.statistician import FOLD_SECONDS, Statistician
from tests.tasks import add


def test_the_queues_are_counted_first_and_folding_follows(engine: Engine) -> None:
    add.enqueue_many([(1, 2)] * 3)
    row = new_row("default", engine.store.now(), ("shop.send", "mail"), Sums(successful=1))
    statistics.insert(engine.database, [row])
    duty = Statistician(engine)

    pauses = [duty.tick(), duty.tick()]

    assert pauses[0] == 0.0
    assert 0 < pauses[1] <= FOLD_SECONDS * 2
    assert not TaskStatistics.objects.filter(step=0).exists()
    assert QueueSample.objects.get(queue="default").ready == 3


def test_slots_are_those_of_live_children_each_counted_once_in_all(engine: Engine) -> None:
    for queues in ([], ["mail"]):
        WorkerRecord.objects.create(
            supervisor=new_id(), backend="default", host="h", pid=1, version="1",
            slots=8, queues=queues,
        )  # fmt: skip
    WorkerRecord.objects.create(
        supervisor=new_id(), backend="default", host="h", pid=2, version="1", slots=8,
        draining=True,
    )  # fmt: skip

    Statistician(engine).sample()

    slots = dict(QueueSample.objects.values_list("queue", "slots"))
    assert slots == {"default": 8.0, "mail": 16.0, "reports": 8.0, "": 16.0}


def test_a_full_page_is_followed_by_the_next_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "ROWS_A_FOLD", 2)
    made = [
        new_row("default", engine.store.now(), ("shop.send", "mail"), Sums(successful=1))
        for _ in range(3)
    ]
    statistics.insert(engine.database, made)
    duty = Statistician(engine)

    assert not duty.fold()
    assert duty.fold()
    assert TaskStatistics.objects.get(step=60, task_path="shop.send").successful == 3
