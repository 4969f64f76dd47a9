"""Why is it not running? First the pure answer, then the facts on real databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from djtasks import inspection
from djtasks.brokers import Problem
from djtasks.definitions.signatures import OTHER_CODE
from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.inspection import QueuePause, WhyFacts, WorkerFacts, why_not_running
from djtasks.inspection.queue_position import Ahead
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.operations import cancel, pause_queue
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, add_async, explode, flaky
from tests.worker.making import claim_all

everywhere = pytest.mark.django_db(databases="__all__")
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def worker(**changes: Any) -> WorkerFacts:
    fields: dict[str, Any] = {
        "id": new_id(), "host": "web-1", "pid": 7, "version": "1", "queues": [], "slots": 8,
        "tasks": [], "silent": timedelta(0), "started_at": NOON, "rss": None,
        "draining": False, "alone": False,
    }  # fmt: skip
    return WorkerFacts(**fields | changes)


def facts(**changes: Any) -> WhyFacts:
    fields: dict[str, Any] = {
        "now": NOON, "id": new_id(), "task_path": "shop.tasks.send", "queue": "mail",
        "state": State.READY, "attempt": 0, "max_attempts": 5, "run_after": NOON - MINUTE,
        "started_at": None, "finished_at": None, "cancel_requested": False, "expires_at": None,
        "worker": None, "owner": None, "last_error": "", "pause": None, "workers": [worker()],
        "silent": [], "backend": "default", "problems": [], "is_known": True,
        "refused": False, "slots": (8, 8), "ahead": Ahead(count=0, is_capped=False, wait=None),
    }  # fmt: skip
    return WhyFacts(**fields | changes)


AWAY = Problem(code="unreachable", message="It does not answer.", remedy="Start it.")
HOST = worker(host="web-2", pid=9)
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("delayed", {"run_after": NOON + 5 * MINUTE}, "It is not due yet: it may run in 5 min."),
    (
        "retrying",
        {"run_after": NOON + 5 * MINUTE, "attempt": 3, "last_error": "Oops"},
        "It is retrying: attempt 3 failed with Oops, attempt 4 of 5 is due in 5 min.",
    ),
    (
        "paused",
        {
            "pause": QueuePause(
                by="Ada", since=NOON - MINUTE, reason="no paper", until=NOON + MINUTE
            )
        },
        "Its queue mail was paused by Ada 1 min ago: no paper. It resumes automatically in 1 min.",
    ),
    ("no_worker", {"workers": []}, "No live worker serves queue 'mail'. Start one: manage.py"),
    (
        "behind",
        {"ahead": Ahead(count=214, is_capped=False, wait=MINUTE)},
        "It waits behind 214 others, about 1 min at the current rate.",
    ),
    ("unknown_task", {"refused": True}, "A worker took it, but does not know shop.tasks.send"),
    (
        "mismatch",
        {"refused": True, "mismatch": "shop.tasks.send got an unexpected keyword argument 'm'."},
        "A worker took it, but the call does not fit its code: shop.tasks.send got an unexpected "
        "keyword argument 'm'. Workers try again",
    ),
    ("unknown_task", {"is_known": False}, "No task is registered as shop.tasks.send"),
    (
        "expired",
        {"expires_at": NOON - MINUTE},
        "It expired 1 min ago. A worker ends it without running it.",
    ),
    (
        "starting",
        {"slots": (0, 8)},
        "Nothing ranks before it: it starts as soon as a slot for it is free.",
    ),
    ("starting", {}, "Nothing ranks before it: a worker takes it within 10 seconds."),
    (
        "running",
        {"state": State.RUNNING, "worker": HOST, "started_at": NOON - MINUTE},
        "It has been running on web-2:9 for 1 min, as attempt 1 of 5.",
    ),
    ("lost", {"state": State.RUNNING}, "It is running, as attempt 1, on a worker that is gone"),
    (
        "lost",
        {"state": State.RUNNING, "worker": HOST, "silent": [HOST]},
        "That worker has been silent for 0 s: it may have died.",
    ),
    (
        "cancelling",
        {"state": State.RUNNING, "worker": HOST, "cancel_requested": True},
        "Somebody cancelled it. Its worker learns of this within a heartbeat.",
    ),
    ("waiting", {"state": State.WAITING}, "It waits for other tasks to end."),
    (
        "final",
        {"state": State.FAILED, "finished_at": NOON - MINUTE},
        "It is final: failed, 1 min ago. It runs again only when somebody retries it.",
    ),
    (
        "final",
        {"state": State.SUCCESSFUL, "finished_at": NOON - MINUTE},
        "It is final: successful, 1 min ago.",
    ),
]


@pytest.mark.parametrize(("kind", "changes", "text"), CASES)
def test_every_reason_is_told(kind: str, changes: dict[str, Any], text: str) -> None:
    reasons = why_not_running(facts(**changes))

    (reason,) = [r for r in reasons if r.kind == kind]
    assert reason.holds
    assert reason.text.startswith(text)


def test_what_holds_it_comes_first_and_what_does_not_is_told_too() -> None:
    reasons = why_not_running(facts(run_after=NOON + MINUTE, problems=[AWAY]))

    assert [(r.kind, r.holds) for r in reasons] == [
        ("delayed", True),
        ("open", False),
        ("served", False),
        ("broker", False),
        ("known", False),
    ]


def test_a_paused_queue_lets_nothing_start_even_when_it_is_next() -> None:
    pause = QueuePause(by="", since=NOON, reason="", until=None)

    reasons = why_not_running(facts(pause=pause))

    assert [r.kind for r in reasons if r.holds] == ["paused"]


def kinds_of(engine: Engine, id_: str) -> list[str]:
    found = inspection.facts_for_why(engine, UUID(id_))
    assert found is not None
    return [reason.kind for reason in why_not_running(found) if reason.holds]


@everywhere
def test_the_facts_are_those_of_the_tables(database: str) -> None:
    engine = engine_of("default")
    first, second = add.enqueue(1, 2), add.enqueue(1, 2)
    later = add.using(run_after=timedelta(hours=1)).enqueue(1, 2)

    assert kinds_of(engine, first.id) == ["no_worker"]
    assert kinds_of(engine, second.id) == ["no_worker", "behind"]
    assert kinds_of(engine, later.id) == ["delayed", "no_worker"]

    owner = WorkerRecord.objects.using(database).create(
        supervisor=new_id(), backend="default", host="web-1", pid=7, version="1", slots=8
    )
    claim_all(owner.pk, limit=1)
    pause_queue(engine_of("default"), "default", by="Ada")

    assert kinds_of(engine, first.id) == ["running"]
    assert kinds_of(engine, second.id) == ["paused"]


@everywhere
def test_a_higher_priority_and_an_earlier_due_time_rank_before(database: str) -> None:
    engine = engine_of("default")
    one = add.using(run_after=timedelta(minutes=-5)).enqueue(1, 2)
    add.using(run_after=timedelta(minutes=-6)).enqueue(1, 2)
    add.using(priority=5).enqueue(1, 2)
    add.enqueue(1, 2)
    add.using(priority=5, queue_name="mail").enqueue(1, 2)
    add.using(priority=5, run_after=timedelta(hours=1)).enqueue(1, 2)

    record = TaskRecord.objects.using(database).get(pk=one.id)
    found = inspection.facts_for_why(engine, record.pk)

    assert found is not None
    assert found.ahead == Ahead(count=2, is_capped=False, wait=None)


@everywhere
def test_what_is_over_or_retried_is_told_too(database: str) -> None:
    engine = engine_of("default")
    over, again = explode.enqueue(), flaky.enqueue()
    run_due()
    TaskRecord.objects.using(database).filter(pk=again.id).update(
        state=State.READY, run_after=datetime.now(UTC) + timedelta(hours=1), attempt=1
    )
    cancelled = add.enqueue(1, 2)
    cancel(
        engine_of("default"),
        [record.pk for record in TaskRecord.objects.using(database).filter(pk=cancelled.id)],
    )

    assert kinds_of(engine, over.id) == ["final"]
    assert kinds_of(engine, again.id) == ["retrying", "no_worker"]
    assert kinds_of(engine, cancelled.id) == ["final"]


def test_a_record_that_is_gone_or_of_another_alias_has_no_facts(engine: Engine) -> None:
    other = add.using(backend="polled").enqueue(1, 2)
    record = TaskRecord.objects.get(pk=other.id)

    assert inspection.facts_for_why(engine, new_id()) is None
    assert inspection.facts_for_why(engine, record.pk) is None


def test_a_call_that_does_not_fit_the_workers_code_is_said_to_be_the_reason(db: None) -> None:
    result = add.enqueue(1, 2)
    message = "tests.tasks.add got an unexpected keyword argument 'm'."
    refusal = {"class": "djtasks.errors.UnknownTask", "message": f"{message} {OTHER_CODE}"}
    TaskRecord.objects.update(errors=[refusal])

    facts = inspection.facts_for_why(engine_of("default"), UUID(result.id))

    assert facts is not None
    assert facts.mismatch == message
    reasons = inspection.why_not_running(facts)
    assert "mismatch" in [reason.kind for reason in reasons]
    assert "unknown_task" not in [reason.kind for reason in reasons]


@everywhere
@pytest.mark.parametrize(
    ("called", "served"),
    [
        (add.using(), "with 0 of 1 slots free"),
        (add_async.using(), "with 100 of 100 slots free"),
    ],
)
def test_only_slots_of_the_kind_that_a_task_needs_are_counted(
    database: str, called: Any, served: str
) -> None:
    WorkerRecord.objects.using(database).create(
        supervisor=new_id(), backend="default", host="web-1", pid=7, version="1", slots=101,
        threads=1, tasks=[{"id": str(new_id()), "path": "tests.tasks.explode"}],
    )  # fmt: skip
    result = called.enqueue(1, 2)

    found = inspection.facts_for_why(engine_of("default"), UUID(result.id))

    assert found is not None
    texts = [reason.text for reason in why_not_running(found)]
    assert any(served in text for text in texts)
    is_next = any("takes it within 10 seconds" in text for text in texts)
    assert is_next == (not served.startswith("with 0"))
