"""`djtasks preflight`: each kind of trouble once, every one named and nothing else."""

import json
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from djtasks import Every, periodic, task
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.inspection.preflight import records
from djtasks.inspection.preflight.troubles import KINDS, MOST_EXAMPLES, Troubles
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import State
from djtasks.scheduler.sync import sync
from djtasks.schedules import periodic as declarations
from tests import tasks
from tests import typed_tasks as typed_tasks  # registered by being imported
from tests.worker.making import WORKER, claim_all


@task
def nightly(number: int) -> None:
    """Do nothing, every night."""


def preflight(*flags: str) -> tuple[dict[str, Any], bool]:
    """Return what it found, as JSON, and whether it found nothing."""
    out = StringIO()
    with suppress(CommandError):
        call_command("djtasks", "preflight", "--json", *flags, stdout=out)
        return json.loads(out.getvalue()), True
    return json.loads(out.getvalue()), False


def kinds(report: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["kind"], one["subject"], one["count"]) for one in report["found"]]


def stored(**columns: Any) -> TaskRecord:
    fields: dict[str, Any] = {
        "backend": "default",
        "queue": "default",
        "task_path": "tests.tasks.add",
        "args": [1, 2],
        "kwargs": {},
    }
    return TaskRecord.objects.create(**fields | columns)


def schedule(name: str, **columns: Any) -> Schedule:
    fields: dict[str, Any] = {
        "backend": "default",
        "task_path": "tests.tasks.add",
        "rule": {"kind": "interval", "seconds": 300},
        "args": [1, 2],
    }
    return Schedule.objects.create(name=name, **fields | columns)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the code declares: nothing at first."""
    found: list[Any] = []
    monkeypatch.setattr(declarations, "_declarations", found)
    return found


@pytest.mark.usefixtures("engine", "declared")
def test_what_fits_is_nothing_to_report() -> None:
    tasks.add.enqueue(1, b=2)
    tasks.needs_context.using(run_after=timedelta(days=1)).enqueue("x")
    for state in (State.RUNNING, State.WAITING):
        stored(state=state)
    for state in (State.SUCCESSFUL, State.FAILED, State.CANCELLED, State.EXPIRED):
        stored(state=state, task_path="tests.tasks.gone", queue="nowhere")
    schedule("by hand")
    out = StringIO()

    report, is_clean = preflight()
    call_command("djtasks", "preflight", stdout=out)

    assert is_clean
    assert report == {"checked": {"tasks": 4, "schedules": 1}, "found": []}
    assert out.getvalue() == "4 tasks and 1 schedules were compared with this code.\n"


@pytest.mark.usefixtures("engine")
def test_every_trouble_is_named_and_nothing_else(engine: Engine, declared: list[Any]) -> None:
    periodic(Every(timedelta(hours=1)), name="kept", args=[1])(nightly)
    periodic(Every(timedelta(hours=1)), name="faster", args=[1])(nightly)
    periodic(Every(timedelta(hours=1)), name="dropped", args=[1])(nightly)
    sync(engine)
    declared.clear()
    periodic(Every(timedelta(hours=1)), name="kept", args=[1])(nightly)
    periodic(Every(timedelta(minutes=5)), name="faster", args=[2])(nightly)
    periodic(Every(timedelta(hours=2)), name="new one", args=[1])(nightly)
    schedule("by hand", args=[1, 2, 3])
    schedule("of old code", task_path="tests.tasks.gone")
    tasks.add.enqueue(1, 2)
    gone = [stored(task_path="tests.tasks.gone"), stored(task_path="tests.tasks.gone")]
    stored(task_path="tests.tasks.gone", state=State.RUNNING)
    stored(args=[1], state=State.WAITING)
    stored(args=[], kwargs={"a": 1, "b": 2, "c": 3}, attempt=1)
    stored(args={"no": "list"})
    stored(queue="attic")
    stored(backend="elsewhere")

    report, is_clean = preflight()

    assert not is_clean
    add, old = "tests.tasks.add", "tests.tasks.gone"
    assert kinds(report) == [
        ("backend", add, 1),
        ("task", old, 3),
        *[("arguments", add, 1)] * 3,
        ("queue", add, 1),
        ("schedule-broken", "by hand", 1),
        ("schedule-broken", "of old code", 1),
        ("schedule-added", "new one", 1),
        ("schedule-removed", "dropped", 1),
        ("schedule-changed", "faster", 1),
    ]
    assert report["found"][1]["examples"][:2] == [str(one.pk) for one in gone]
    reasons = " ".join(one["reason"] for one in report["found"])
    for words in (
        "no alias 'elsewhere'",
        "No task is registered as 'tests.tasks.gone'",
        "missing a required argument: 'b'",
        "unexpected keyword argument 'c'",
        "got dict and dict",
        "'attic' is not in QUEUES",
        "too many positional arguments",
        "Every 2 hours",
        "rule from 'Every hour' to 'Every 5 minutes', args",
    ):
        assert words in reasons
    assert set(KINDS) == {one["kind"] for one in report["found"]}
    assert {one["backend"] for one in report["found"]} == {"default", "elsewhere"}


@pytest.mark.usefixtures("engine", "declared")
def test_kinds_that_are_expected_can_be_left_out() -> None:
    stored(queue="attic")
    stored(task_path="tests.tasks.gone")

    report, is_clean = preflight("--ignore", "queue")

    assert kinds(report) == [("task", "tests.tasks.gone", 1)]
    assert not is_clean
    assert preflight("--ignore", "queue", "--ignore", "task")[1]
    assert preflight("--backend", "polled")[1]


@pytest.mark.usefixtures("engine", "declared")
def test_it_says_so_in_words() -> None:
    for _ in range(MOST_EXAMPLES + 1):
        stored(task_path="tests.tasks.g\x1bone")
    out = StringIO()

    with pytest.raises(CommandError, match="1 finding needs attention"):
        call_command("djtasks", "preflight", stdout=out)

    text = out.getvalue()
    assert "unknown task: tests.tasks.g\\u001bone (TASKS['default'])\n  4 tasks, such as " in text
    assert "\x1b" not in text


@pytest.mark.usefixtures("declared")
def test_a_worker_refuses_the_same_calls(engine: Engine) -> None:
    record = stored(args=[1])
    (claim,) = claim_all(WORKER)
    from djtasks.testing.executing import execute_here
    from djtasks.worker.attempts.pipeline import Pipeline

    refused = execute_here(Pipeline(engine.store, WORKER), claim)
    report, _ = preflight()

    assert report["found"][0]["examples"] == [str(record.pk)]
    assert report["found"][0]["reason"] in str(refused.error)


@pytest.mark.usefixtures("engine")
def test_typed_arguments_are_decoded_but_nothing_is_loaded() -> None:
    path = "tests.typed_tasks.pack"
    gone, wrong = stored(task_path=path, args=[77]), stored(task_path=path, args=[77, "soon"])

    with CaptureQueriesContext(connection) as queries:
        report, is_well = preflight()

    assert not is_well
    [trouble] = report["found"]
    assert (trouble["kind"], trouble["examples"]) == ("arguments", [str(wrong.pk)])
    assert "at args[1]: Invalid RFC3339 encoded date." in trouble["reason"]
    assert not [one for one in queries if "tests_row" in one["sql"]], gone


@pytest.mark.django_db
def test_it_reads_pages_and_locks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGE", 2)
    for number in range(5):
        stored(args=[number])
    troubles = Troubles()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        counts = list(records.check_records({}, troubles))

    assert counts == [2, 2, 1]
    assert [one.count for one in troubles] == [5]
    assert not any("FOR UPDATE" in query["sql"] for query in queries)


def test_any_number_of_troubles_takes_little_memory() -> None:
    troubles = Troubles()
    for number in range(5_000):
        troubles.add("task", "default", f"tests.gone_{number}", "gone" * 10_000, example=new_id())

    groups = list(troubles)

    assert len(groups) == 501
    assert (groups[0].subject, groups[0].count) == ("(others)", 4_500)
    assert sum(len(one.examples) + len(one.reason) for one in groups) < 600 * 610
