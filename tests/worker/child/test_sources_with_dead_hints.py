"""Sources: ids in the index that no claim accepts delay nothing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from djtasks.brokers.memory import MemoryBroker
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.options import Options
from djtasks.protocol.hints import Hint
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.sources import BrokerSource, DatabaseSource, Queues
from tests import tasks
from tests.worker.making import WORKER

ROOM = 5


class CountingBroker(MemoryBroker):
    """Counts its pops and never waits; `refusal` is raised where it removes hints."""

    pops = 0
    refusal: BaseException | None = None

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        self.pops += 1
        return super().pop(queues, limit=limit, wait=timedelta(0))

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        if self.refusal is not None:
            raise self.refusal
        super().discard(queue, ids)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> CountingBroker:
    made = CountingBroker("default", Options(), lambda: "x")
    monkeypatch.setattr(Engine, "broker", made)
    return made


@pytest.fixture
def source(engine: Engine, broker: CountingBroker) -> BrokerSource:
    queues, holdings = Queues(engine, None), Holdings()
    database = DatabaseSource(engine, queues, holdings, worker=WORKER)
    return BrokerSource(engine, queues, holdings, worker=WORKER, fallback=database)


def push_dead(broker: CountingBroker, count: int) -> None:
    broker.push([Hint(new_id(), "default", 0) for _ in range(count)])


def push_behind(broker: CountingBroker, count: int) -> None:
    """Enqueue tasks, and push their hints behind all others."""
    tasks.add.enqueue_many((n, n) for n in range(count))
    ids = TaskRecord.objects.values_list("pk", flat=True)
    broker.push([Hint(pk, "default", 9) for pk in ids])


def pops_until_done(source: BrokerSource, broker: CountingBroker, count: int) -> int:
    """Fetch until so many tasks are claimed; return after how many pops."""
    claimed: list[Any] = []
    while len(claimed) < count:
        claimed += source.fetch(ROOM)
        assert broker.pops < 200
    assert len({work.claim.id for work in claimed}) == count
    return broker.pops


def test_a_task_behind_any_number_of_dead_ids_is_claimed_after_a_few_pops(
    source: BrokerSource, broker: CountingBroker
) -> None:
    push_dead(broker, 5_000)
    push_behind(broker, 1)

    assert pops_until_done(source, broker, 1) <= 5


def test_a_few_living_ids_among_the_dead_delay_no_task(
    source: BrokerSource, broker: CountingBroker
) -> None:
    push_behind(broker, 10)
    for pk in TaskRecord.objects.values_list("pk", flat=True)[:9]:
        push_dead(broker, 4)
        broker.push([Hint(pk, "default", 0)])
    push_dead(broker, 5_000)

    assert pops_until_done(source, broker, 10) <= 9


@pytest.mark.parametrize("refusal", [None, BrokerUnavailable("not today"), SystemExit(3)])
def test_tasks_behind_dead_ids_do_not_leave_dead_ids_for_ever(
    source: BrokerSource, broker: CountingBroker, refusal: BaseException | None
) -> None:
    broker.refusal = refusal
    push_dead(broker, 4 * ROOM)
    push_behind(broker, 20 * ROOM)

    pops = pops_until_done(source, broker, 20 * ROOM)

    dead_pops = 4 if refusal is None else 5
    assert pops == dead_pops + 19


def test_a_broker_that_cannot_remove_hints_is_an_outage_and_no_bug(
    source: BrokerSource, broker: CountingBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.refusal = BrokerUnavailable("not today")
    push_dead(broker, 4 * ROOM)
    push_behind(broker, ROOM)

    pops_until_done(source, broker, ROOM)

    (record,) = caplog.records
    assert record.getMessage() == f"Hints not removed from the index count={ROOM} error=not today"
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_hints_of_tasks_found_in_the_database_leave_the_index(
    source: BrokerSource, broker: CountingBroker
) -> None:
    push_dead(broker, 100 * ROOM)
    push_behind(broker, ROOM)

    pops_until_done(source, broker, ROOM)

    assert broker.depths(["default"]) == {"default": (100 - 4) * ROOM}


def test_an_index_of_living_ids_needs_no_look(
    source: BrokerSource, broker: CountingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseSource, "fetch", lambda *_args, **_options: pytest.fail("looked"))
    push_behind(broker, 20 * ROOM)

    assert pops_until_done(source, broker, 20 * ROOM) == 20
