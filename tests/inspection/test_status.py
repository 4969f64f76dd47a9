"""What is going on: the facts that admin, command line and code show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

import djtasks
from djtasks import inspection
from djtasks.brokers import Problem
from djtasks.engine import Engine, engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import new_id
from djtasks.inspection import (
    QueueFacts,
    queues_of,
    state_counts,
    status,
    status_of,
    workers_of,
)
from djtasks.inspection.figures import batch_counts
from djtasks.management import rendering
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.operations import pause_queue
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.carriers import Recording, with_broker
from tests.tasks import add, explode
from tests.worker.making import WORKER, claim_all

everywhere = pytest.mark.django_db(databases="__all__")
HOUR = timedelta(hours=1)


@pytest.fixture
def counting(db: None) -> Any:
    """The engine of TASKS["default"] with a broker whose depth is known."""
    with with_broker():
        yield engine_of("default")


def make_worker(**columns: Any) -> WorkerRecord:
    fixed = {"backend": "default", "host": "web-1", "pid": 7, "slots": 8, "version": "1"}
    return WorkerRecord.objects.create(supervisor=new_id(), **fixed | columns)


def facts_of(engine: Engine, name: str) -> QueueFacts:
    (facts,) = [q for q in queues_of(engine, workers_of(engine)) if q.name == name]
    return facts


@everywhere
def test_every_state_is_counted(database: str) -> None:
    add.enqueue_many([(1, 2)] * 3)
    explode.enqueue()
    run_due()
    add.enqueue(1, 2)
    add.using(backend="polled").enqueue(1, 2)

    assert state_counts(engine_of("default")) == {
        "ready": 1,
        "running": 0,
        "successful": 3,
        "failed": 1,
        "cancelled": 0,
        "expired": 0,
        "waiting": 0,
    }


@everywhere
def test_a_queue_tells_what_is_due_delayed_and_running(database: str) -> None:
    engine = engine_of("default")
    add.enqueue_many([(1, 2)] * 3)
    claim_all(WORKER, limit=1)
    add.using(run_after=HOUR, priority=5).enqueue(1, 2)

    facts = facts_of(engine, "default")

    assert (facts.due, facts.delayed, facts.running) == (2, 1, 1)


@everywhere
def test_the_oldest_wait_is_that_of_any_priority(database: str) -> None:
    for priority, minutes in ((50, 5), (0, 90), (-50, 30)):
        add.using(priority=priority, run_after=timedelta(minutes=-minutes)).enqueue(1, 2)

    oldest = facts_of(engine_of("default"), "default").oldest_wait

    assert oldest is not None
    assert timedelta(minutes=90) <= oldest < timedelta(minutes=91)


def test_a_queue_where_nothing_is_due_has_no_oldest_wait(engine: Engine) -> None:
    add.using(run_after=HOUR).enqueue(1, 2)

    assert facts_of(engine, "default").oldest_wait is None
    assert facts_of(engine, "mail").oldest_wait is None


def test_queues_are_those_of_the_settings_and_those_in_use(engine: Engine) -> None:
    anything = add.using(backend="anything")
    anything.using(queue_name="odd").enqueue(1, 2)
    anything.using(queue_name="late", run_after=HOUR).enqueue(1, 2)
    anything.using(queue_name="busy").enqueue(1, 2)
    TaskRecord.objects.filter(queue="busy").update(state=State.RUNNING, worker=WORKER)

    def names(alias: str) -> list[str]:
        return [queue.name for queue in queues_of(engine_of(alias), [])]

    assert names("default") == ["default", "mail", "reports"]
    assert names("anything") == ["busy", "late", "odd"]


def test_counts_stop_where_they_would_become_slow(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection.figures.batch_counts, "COUNT_LIMIT", 3)
    add.enqueue_many([(1, 2)] * 5)
    add.using(run_after=HOUR).enqueue_many([(1, 2)] * 5)

    facts = facts_of(engine, "default")

    assert (facts.due, facts.delayed) == (3, 3)
    assert state_counts(engine)["ready"] == 3


def test_the_depth_of_the_index_is_told_where_there_is_one(counting: Engine) -> None:
    broker: Any = counting.broker
    assert isinstance(broker, Recording)
    broker.depth = 5

    assert facts_of(counting, "default").indexed == 5
    assert facts_of(engine_of("polled"), "default").indexed is None


def test_a_broker_that_is_away_leaves_the_depth_unknown(
    counting: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting.broker, "depths", _away)

    assert facts_of(counting, "default").indexed is None


def _away(*_: Any) -> Any:
    raise BrokerUnavailable("away for a test")


@pytest.mark.parametrize(
    ("control", "shown"),
    [
        ({"by": "Ada"}, "by Ada"),
        ({"by": "Ada", "reason": "no paper"}, "by Ada: no paper"),
        ({"by": ""}, "by somebody"),
        ({"by": "Ada", "until": datetime(2046, 1, 2, tzinfo=UTC)}, "by Ada"),
        ({"by": "Ada", "until": datetime(2020, 1, 2, tzinfo=UTC)}, None),
    ],
)
def test_a_paused_queue_tells_by_whom_and_why(
    engine: Engine, control: dict[str, Any], shown: str | None
) -> None:
    pause_queue(engine, "mail", **control)

    assert facts_of(engine, "mail").paused == shown
    assert facts_of(engine, "default").paused is None


@everywhere
def test_a_worker_tells_what_it_is_and_when_it_was_last_heard_of(database: str) -> None:
    row = make_worker(queues=["mail"], rss=1_000, tasks=[{"id": "7"}], alone=True)
    WorkerRecord.objects.update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=1))
    make_worker(backend="polled")

    (facts,) = workers_of(engine_of("default"))

    assert (facts.id, facts.host, facts.pid, facts.version) == (row.pk, "web-1", 7, "1")
    assert (facts.queues, facts.slots, facts.tasks) == (["mail"], 8, [{"id": "7"}])
    assert (facts.rss, facts.draining, facts.alone) == (1_000, False, True)
    assert timedelta(seconds=59) < facts.silent < timedelta(minutes=2)


def test_a_worker_whose_clock_is_ahead_is_not_silent_for_less_than_nothing(engine: Engine) -> None:
    make_worker()
    WorkerRecord.objects.update(heartbeat_at=F("heartbeat_at") + HOUR)

    assert workers_of(engine)[0].silent == timedelta(0)


@pytest.mark.parametrize(
    ("columns", "serves_mail"),
    [
        ({"queues": ["default", "mail"]}, 1),
        ({"queues": []}, 1),
        ({"queues": ["default"]}, 0),
        ({"queues": ["mail"], "alone": True}, 0),
        ({"queues": ["mail"], "draining": True}, 0),
        ({"queues": ["mail"], "heartbeat_at": datetime(2020, 1, 2, tzinfo=UTC)}, 0),
    ],
)
def test_a_queue_counts_the_workers_that_fetch_from_it(
    engine: Engine, columns: dict[str, Any], serves_mail: int
) -> None:
    make_worker(**columns)

    assert facts_of(engine, "mail").workers == serves_mail


def test_a_status_puts_it_all_together(counting: Engine) -> None:
    make_worker(queues=[], version=djtasks.__version__)
    add.enqueue(1, 2)

    status = status_of(counting)

    assert (status.backend, status.database) == ("default", "default")
    assert status.broker == "tests.carriers.Recording"
    assert status.states["ready"] == 1
    assert [queue.name for queue in status.queues] == ["default", "mail", "reports"]
    assert [worker.host for worker in status.workers] == ["web-1"]
    assert status.problems == []


def test_due_tasks_that_nobody_fetches_are_a_problem(counting: Engine) -> None:
    add.using(queue_name="mail").enqueue(1, 2)
    add.using(queue_name="reports").enqueue(1, 2)
    pause_queue(engine_of("default"), "reports", by="Ada")

    (problem,) = status_of(counting).problems

    assert problem.startswith("No live worker serves queue 'mail'. 1 task is due. This has lasted ")
    assert problem.endswith("manage.py runworker --backend default --queues mail")


def test_a_silent_worker_is_a_problem_and_starting_one_helps_if_none_runs(
    counting: Engine,
) -> None:
    make_worker(heartbeat_at=datetime.now(UTC) - timedelta(seconds=40))

    (alone,) = status_of(counting).problems
    make_worker(host="web-2", version=djtasks.__version__)
    (beside_another,) = status_of(counting).problems

    assert alone.startswith("Worker web-1:7 is silent, and no other worker runs. This has lasted 4")
    assert alone.endswith("manage.py runworker --backend default")
    assert beside_another.startswith("Worker web-1:7 is silent. This has lasted 4")
    assert "runworker" not in beside_another


def test_what_the_broker_says_is_a_problem(engine: Engine) -> None:
    with with_broker("tests.inspection.test_status.Ailing"):
        assert status_of(engine_of("default")).problems == ["It is too old. Renew it."]


class Ailing(Recording):
    def diagnose(self) -> list[Any]:
        return [Problem(code="too-old", message="It is too old.", remedy="Renew it.")]


def test_a_count_that_stopped_is_named_and_has_a_plus(db: None, monkeypatch: Any) -> None:
    for module in (batch_counts, status, rendering):
        monkeypatch.setattr(module, "COUNT_LIMIT", 2)
    add.enqueue_many([(1, 2)] * 3)
    add.using(queue_name="mail").enqueue(1, 2)

    found = status_of(engine_of("default"))

    assert found.at_least == ["states.ready", "queues.default.due"]
    assert "2+ ready" in rendering.render_status(found)
    assert "2+" in next(
        line for line in rendering.render_status(found).splitlines() if line.startswith("default")
    )
