"""One task: its call, attempts, timeline and relations, with everything sensitive taken out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from djtasks import inspection, task
from djtasks.engine import Engine, engine_of
from djtasks.errors import WorkerLost
from djtasks.formats.ids import new_id
from djtasks.formats.placeholders import HIDDEN
from djtasks.formats.tracebacks import class_path
from djtasks.inspection import Attempt, TaskFacts
from djtasks.inspection.attempts import attempts_of
from djtasks.inspection.display.calls import call_of
from djtasks.inspection.timeline import timeline_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.models import Row
from tests.tasks import add, explode, flaky, waits_for_file
from tests.worker.making import WORKER, claim_all

everywhere = pytest.mark.django_db(databases="__all__")
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@task(sensitive=("code",))
def open_door(code: str, *, door: dict[str, Any]) -> dict[str, Any]:
    return {"door": door, "token": code}


def facts_of(result: Any) -> TaskFacts:
    found = inspection.task_facts(engine_of("default"), UUID(result.id))
    assert found is not None
    return found


def code(facts: TaskFacts) -> str:
    return "".join(piece.text for piece in facts.call)


@everywhere
def test_a_task_is_told_from_its_call_to_its_result(database: str) -> None:
    result = open_door.using(queue_name="mail", priority=10).enqueue(
        "open sesame", door={"name": "main", "secret": "x"}
    )
    run_due()

    facts = facts_of(result)

    assert code(facts) == (
        "open_door.using(queue_name='mail', priority=10).enqueue([hidden], "
        "door={'name': 'main', 'secret': [hidden]})"
    )
    assert facts.args == [HIDDEN]
    assert facts.kwargs == {"door": {"name": "main", "secret": HIDDEN}}
    assert facts.return_value == {"door": {"name": "main", "secret": HIDDEN}, "token": HIDDEN}
    assert "open sesame" not in repr(facts)
    assert (facts.phase, facts.state, facts.is_known) == ("successful", State.SUCCESSFUL, True)
    assert (facts.module, facts.function) == (__name__, "open_door")
    assert [(a.number, a.outcome) for a in facts.attempts] == [(1, "successful")]
    assert facts.waited is not None
    assert facts.ran is not None


@everywhere
def test_the_attempts_of_a_task_that_kept_failing(database: str) -> None:
    result = flaky.enqueue("oops")
    for _ in range(3):
        run_due()

    facts = facts_of(result)

    assert [(a.number, a.outcome, a.message) for a in facts.attempts] == [
        (1, "failed", "oops"), (2, "failed", "oops"), (3, "failed", "oops"),
    ]  # fmt: skip
    assert facts.attempts[0].exception == "builtins.ValueError"
    assert [frame.function for frame in facts.attempts[0].frames if frame.is_own] == ["flaky"]
    assert facts.fingerprint is not None


@everywhere
def test_phases_are_the_words_people_use(database: str) -> None:
    ready = add.enqueue(1, 2)
    scheduled = add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    retrying = add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    TaskRecord.objects.using(database).filter(pk=retrying.id).update(attempt=1)

    assert [facts_of(one).phase for one in (ready, scheduled, retrying)] == [
        "ready", "scheduled", "retrying",
    ]  # fmt: skip


@everywhere
def test_a_running_task_shows_its_running_attempt(database: str) -> None:
    result = waits_for_file.enqueue("/nowhere")
    claim_all(WORKER)

    facts = facts_of(result)

    (attempt,) = facts.attempts
    assert (attempt.outcome, attempt.worker, attempt.number) == ("running", str(WORKER), 1)
    assert (facts.phase, facts.worker) == ("running", WORKER)
    assert [stretch.kind for stretch in facts.timeline] == ["waiting", "attempt"]


@everywhere
def test_related_tasks_are_about_the_same_object_or_failed_the_same_way(database: str) -> None:
    one = explode.using(target=Row(pk=7)).enqueue()
    about = add.using(target=Row(pk=7)).enqueue(1, 2)
    alike = explode.enqueue()
    add.using(target=Row(pk=8)).enqueue(1, 2)
    run_due()

    related = facts_of(one).related

    assert [(str(other.id), other.why) for other in related] == [
        (about.id, "target"), (alike.id, "failure"),
    ]  # fmt: skip


def test_long_and_deep_arguments_are_cut_in_the_call(engine: Engine) -> None:
    deep: Any = 1
    for _ in range(6):
        deep = [deep]
    result = explode.enqueue("x" * 300)
    listed = open_door.enqueue("x", door={"many": list(range(20)), "deep": deep, "none": None})

    assert "100 characters more" in code(facts_of(result))
    assert "'many': [0, 1, 2, 3, 4, 5, 6, 7, … 12 more]" in code(facts_of(listed))
    assert "… 1 more" in code(facts_of(listed))
    assert {p.kind for p in facts_of(listed).call} == {
        "name", "plain", "hidden", "keyword", "text", "number", "constant", "more",
    }  # fmt: skip


def test_a_task_whose_code_is_gone_is_told_all_the_same(engine: Engine) -> None:
    result = add.enqueue(1, 2)
    TaskRecord.objects.update(task_path="gone.tasks.add")

    facts = facts_of(result)

    assert not facts.is_known
    assert code(facts) == "add.enqueue(1, 2)"


def test_a_record_that_is_gone_or_of_another_alias_is_none(engine: Engine) -> None:
    other = add.using(backend="polled").enqueue(1, 2)

    assert inspection.task_facts(engine, new_id()) is None
    assert inspection.task_facts(engine, UUID(other.id)) is None


def row(**columns: Any) -> TaskRecord:
    fields: dict[str, Any] = {"enqueued_at": NOON, "run_after": NOON, "state": State.READY}
    return TaskRecord(**fields | columns)


def error(start: int, end: int, kind: str = "builtins.ValueError") -> dict[str, Any]:
    return {
        "class": kind, "message": "", "traceback": "", "worker": "w",
        "started_at": (NOON + start * MINUTE).isoformat(),
        "at": (NOON + end * MINUTE).isoformat(),
    }  # fmt: skip


def stretches(record: TaskRecord, now: int) -> list[tuple[str, float, float, bool]]:
    found = timeline_of(record, NOON + now * MINUTE)
    return [(s.kind, round(s.left), round(s.width), s.is_open) for s in found]


def at(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


def test_the_timeline_of_a_task_that_waits() -> None:
    assert stretches(row(), 10) == [("waiting", 0, 100, True)]
    assert stretches(row(run_after=at(10)), 2) == [("delayed", 0, 100, True)]
    assert stretches(row(run_after=at(5)), 10) == [
        ("delayed", 0, 50, False), ("waiting", 50, 50, True),
    ]  # fmt: skip


def test_the_timeline_of_a_task_that_is_retrying() -> None:
    record = row(run_after=at(10), attempt=2, errors=[error(1, 2), error(4, 5)])

    assert stretches(record, 6) == [
        ("waiting", 0, 10, False), ("attempt", 10, 10, False), ("backoff", 20, 20, False),
        ("attempt", 40, 10, False), ("backoff", 50, 50, True),
    ]  # fmt: skip


def test_the_timeline_of_a_task_that_succeeded_after_a_delay() -> None:
    record = row(
        state=State.SUCCESSFUL, run_after=at(5), attempt=1, last_attempted_at=at(8),
        finished_at=at(10), worker_ids=["w"],
    )  # fmt: skip

    assert stretches(record, 99) == [
        ("delayed", 0, 50, False), ("waiting", 50, 30, False), ("attempt", 80, 20, False),
    ]  # fmt: skip


def test_the_timeline_of_a_task_that_was_cancelled_unrun() -> None:
    assert stretches(row(state=State.CANCELLED, finished_at=at(3)), 99) == [
        ("waiting", 0, 100, False)
    ]


def numbers(attempts: list[Attempt]) -> list[int | None]:
    return [attempt.number for attempt in attempts]


def test_only_the_last_errors_are_kept_and_keep_their_numbers() -> None:
    record = row(attempt=12, errors=[error(n, n) for n in range(10)])

    assert numbers(attempts_of(record, NOON)) == list(range(3, 13))


def test_a_lost_worker_spends_no_attempt() -> None:
    lost = error(1, 2, class_path(WorkerLost()))

    attempts = attempts_of(row(attempt=1, errors=[error(0, 1), lost]), NOON)

    assert numbers(attempts) == [1, None]
    assert attempts[1].outcome == "lost"


@pytest.mark.parametrize("entry", [{}, {"class": None, "at": "never"}, {"started_at": 5}])
def test_an_odd_entry_among_the_errors_breaks_nothing(entry: dict[str, Any]) -> None:
    record = row(state=State.FAILED, attempt=1, errors=[entry, "odd"], finished_at=NOON)

    assert len(attempts_of(record, NOON)) == 1
    assert timeline_of(record, NOON) is not None


def test_of_many_arguments_the_first_are_told_and_the_others_counted() -> None:
    row = TaskRecord(task_path="shop.tasks.send", queue="default", priority=0)

    call = call_of(row, [1, 2], {f"key{number}": number for number in range(5_000)})

    text = "".join(piece.text for piece in call)
    assert text.startswith("send.enqueue(1, 2, key0=0, ")
    assert text.endswith(", key47=47, … 4,952 more)")
