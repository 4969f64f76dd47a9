"""What is wrong: the rules as a table, and that everybody who tells of them says the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import override

import djtasks
from djtasks import inspection
from djtasks.admin.queues.rows import queue_rows
from djtasks.brokers import Problem
from djtasks.doctor.findings import Examination
from djtasks.doctor.workers import check_workers
from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.inspection import QueueFacts, SchedulerFacts, WorkerFacts
from djtasks.inspection.diagnosis.facts import Service, service_of
from djtasks.inspection.diagnosis.findings import RULES, about_queue, findings_of
from djtasks.inspection.diagnosis.situation import Situation
from djtasks.models import Schedule, WorkerRecord
from djtasks.operations import pause_queue
from djtasks.schedules import Every
from tests.languages import translate
from tests.tasks import add

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
OLD = "0.0.9"
FULL = Problem(code="full", message="It is full.", remedy="Let it grow.")


def queue(**changes: Any) -> QueueFacts:
    fields: dict[str, Any] = {
        "name": "mail", "due": 0, "delayed": 0, "running": 0, "oldest_wait": None,
        "indexed": None, "paused": None, "workers": 0,
    }  # fmt: skip
    return QueueFacts(**fields | changes)


def worker(**changes: Any) -> WorkerFacts:
    fields: dict[str, Any] = {
        "id": new_id(), "host": "web-1", "pid": 7, "version": "1", "queues": [], "slots": 8,
        "tasks": [], "silent": SECOND, "started_at": NOON - HOUR, "rss": None,
        "draining": False, "alone": False,
    }  # fmt: skip
    return WorkerFacts(**fields | changes)


def situation(**changes: Any) -> Situation:
    fields: dict[str, Any] = {
        "now": NOON, "backend": "default", "lease": timedelta(seconds=30), "version": "1",
    }  # fmt: skip
    return Situation(**fields | changes)


CASES: list[tuple[dict[str, Any], list[tuple[str, str, bool]]]] = [
    ({}, []),
    # Queues
    ({"queues": [queue(workers=1, due=9)]}, []),
    ({"queues": [queue(workers=1, draining=1, due=9)]}, []),
    ({"queues": [queue(due=1)]}, [("no-worker", "bad", True)]),
    ({"queues": [queue(due=1, draining=2)]}, [("no-worker", "bad", True)]),
    ({"queues": [queue()]}, [("no-worker", "warn", False)]),
    ({"queues": [queue(delayed=5)]}, [("no-worker", "warn", False)]),
    ({"queues": [queue(draining=2)]}, [("no-worker", "warn", False)]),
    ({"queues": [queue(due=1, paused="by Ada")]}, []),
    ({"queues": [queue(paused="by Ada")]}, []),
    # Workers
    ({"workers": [worker()]}, []),
    ({"workers": [worker(silent=31 * SECOND)]}, [("silent-worker", "warn", True)]),
    ({"workers": [worker(version=OLD)]}, [("versions", "warn", True)]),
    ({"workers": [worker(), worker(version=OLD)]}, [("versions", "warn", True)]),
    ({"workers": [worker(), worker(version=OLD, draining=True)]}, []),
    (
        {"workers": [worker(), worker(version=OLD, silent=31 * SECOND)]},
        [("silent-worker", "warn", True)],
    ),
    # Schedules
    ({"scheduler": SchedulerFacts(schedules=1, firing=1, late=20 * SECOND)}, []),
    (
        {"scheduler": SchedulerFacts(schedules=1, firing=1, late=21 * SECOND)},
        [("no-scheduler", "bad", True)],
    ),
    (
        {"scheduler": SchedulerFacts(firing=1, late=21 * SECOND), "has_scheduler": False},
        [("no-scheduler", "bad", True)],
    ),
    (
        {"scheduler": SchedulerFacts(schedules=1, firing=1), "has_scheduler": False},
        [("no-scheduler", "warn", False)],
    ),
    ({"scheduler": SchedulerFacts(schedules=1, paused=1), "has_scheduler": False}, []),
    ({"scheduler": SchedulerFacts(schedules=1, firing=1), "has_scheduler": True}, []),
    (
        {"scheduler": SchedulerFacts(schedules=1, broken={"nightly": "No such zone."})},
        [("broken-schedule", "bad", True)],
    ),
    ({"scheduler": SchedulerFacts(schedules=1, skipping={"sums": 9})}, []),
    (
        {"scheduler": SchedulerFacts(schedules=1, skipping={"sums": 10})},
        [("skipped-runs", "warn", True)],
    ),
    # The broker
    ({"problems": [FULL]}, [("full", "bad", True)]),
    # The worst comes first.
    (
        {"workers": [worker(silent=HOUR)], "queues": [queue(), queue(name="web", due=1)]},
        [("no-worker", "bad", True), ("no-worker", "warn", False), ("silent-worker", "warn", True)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "found"), CASES)
def test_facts_lead_to_findings(
    changes: dict[str, Any], found: list[tuple[str, str, bool]]
) -> None:
    findings = findings_of(situation(**changes))

    assert [(one.code, one.level, one.is_alert) for one in findings] == found


def test_every_rule_has_a_case() -> None:
    situations = [situation(**changes) for changes, _found in CASES]

    for rule in RULES:
        assert any(list(rule.condition(one)) for one in situations), rule


def test_every_finding_is_one_line_with_a_way_out() -> None:
    for changes, _found in CASES:
        for finding in findings_of(situation(**changes)):
            assert finding.remedy
            assert "\n" not in finding.statement + finding.remedy
            assert "%" not in finding.statement + finding.remedy


def test_a_finding_says_what_where_for_how_long_and_what_to_type() -> None:
    finding = about_queue(queue(due=3, oldest_wait=65 * SECOND), backend="polled", now=NOON)

    assert finding is not None
    assert (
        finding.statement
        == "No live worker serves queue 'mail'. 3 tasks are due. This has lasted 1 min 5 s."
    )
    assert finding.remedy == "Start one: manage.py runworker --backend polled --queues mail"
    assert (finding.queue, finding.since) == ("mail", NOON - 65 * SECOND)


def test_workers_that_drain_may_be_resumed() -> None:
    finding = about_queue(queue(due=1, draining=1), backend="default", now=NOON)

    assert finding is not None
    assert finding.statement == "Only draining workers serve queue 'mail'. 1 task is due."
    assert finding.remedy.startswith("Resume one of them, or start another: manage.py runworker")


@pytest.mark.parametrize(
    ("is_paused", "fetching", "draining", "service"),
    [
        (True, 1, 0, Service.PAUSED), (True, 0, 0, Service.PAUSED),
        (False, 1, 1, Service.SERVED), (False, 0, 1, Service.DRAINING),
        (False, 0, 0, Service.NONE),
    ],
)  # fmt: skip
def test_somebody_serves_a_queue_or_nobody(
    is_paused: bool, fetching: int, draining: int, service: Service
) -> None:
    assert service_of(is_paused=is_paused, fetching=fetching, draining=draining) is service


def test_words_are_translated_when_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "No live worker serves queue %(queue)r.": "Niemand bedient die Queue %(queue)r.",
        "Start one:": "Starte einen:",
    }
    translate(monkeypatch, words)
    finding = about_queue(queue(), backend="default", now=NOON)
    assert finding is not None

    with override("de"):
        assert finding.statement == "Niemand bedient die Queue 'mail'."
        assert finding.remedy.startswith("Starte einen: manage.py runworker")
    with override(None):
        assert finding.statement == "No live worker serves queue 'mail'."


def child(**columns: Any) -> Callable[[], None]:
    fixed = {"backend": "default", "host": "web-1", "pid": 7, "slots": 8, "queues": ["mail"]}
    fixed["version"] = djtasks.__version__

    def insert() -> None:
        WorkerRecord.objects.create(supervisor=new_id(), **fixed | columns)

    return insert


def pause() -> None:
    pause_queue(engine_of("default"), "mail", by="Ada")


# What happens, whether a task is due then, and whether it needs somebody at once.
SCENES: dict[str, tuple[list[Callable[[], None]], bool, bool]] = {
    "nobody serves what waits": ([], True, True),
    "nobody serves an empty queue": ([], False, False),
    "a pause hides that nobody serves it": ([pause], True, False),
    "a pause of a queue that is served": ([pause, child()], True, False),
    "it is served": ([child()], True, False),
    "it is served by all who name no queue": ([child(queues=[])], True, False),
    "others are served": ([child(queues=["web"])], True, True),
    "only draining children serve it": ([child(draining=True)], True, True),
    "one drains beside one that stays": ([child(draining=True), child()], True, False),
    "only an isolating child serves it": ([child(alone=True)], True, True),
    "its worker has died": ([child(heartbeat_at=datetime(2020, 1, 2, tzinfo=UTC))], True, True),
    "another alias has a worker": ([child(backend="anything")], True, True),
}


@pytest.mark.parametrize("scene", SCENES)
def test_everybody_says_the_same_of_a_queue(engine: Engine, scene: str) -> None:
    happen, is_due, needs_somebody = SCENES[scene]
    for event in happen:
        event()
    delay = timedelta(0) if is_due else HOUR
    task = add.using(queue_name="mail", run_after=delay).enqueue(1, 2)

    overview = inspection.overview(engine)
    rows = queue_rows(engine, overview.queues, overview.now)
    why = inspection.facts_for_why(engine, UUID(task.id))
    assert why is not None
    said = {
        "status": any("queue 'mail'" in one for one in inspection.status_of(engine).problems),
        "overview": any(one.queue == "mail" for one in overview.alerts),
        "queues": next(row.is_stranded for row in rows if row.facts.name == "mail"),
        "doctor": any(
            one.queue == "mail" and one.is_bad for one in check_workers(Examination(engine=engine))
        ),
        # Of a task that is not due yet it is told, too, that nobody would take it.
        "why": is_due
        and any(one.kind == "no_worker" and one.holds for one in inspection.why_not_running(why)),
    }

    assert said == dict.fromkeys(said, needs_somebody)


def test_a_schedule_that_is_broken_is_told_everywhere(engine: Engine) -> None:
    Schedule.objects.create(
        backend="default", name="nightly", task_path=add.module_path,
        rule=Every(HOUR).as_dict(), broken="No such zone.",
    )  # fmt: skip

    (alert,) = inspection.overview(engine).alerts
    (problem,) = inspection.status_of(engine).problems

    assert (alert.code, alert.links) == ("broken-schedule", ("schedules",))
    assert problem.startswith("Schedule 'nightly' is broken and does not fire: No such zone.")
