"""`manage.py djtasks ...`: inspect tasks and act on them."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.management.commands.djtasks import Command
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.operations import bulk_task, cancel, pause_queue
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, explode
from tests.worker.making import WORKER, claim_all

pytestmark = pytest.mark.usefixtures("engine")


def said(*arguments: str) -> str:
    output = StringIO()
    call_command("djtasks", *arguments, stdout=output)
    return output.getvalue()


def refused(*arguments: str) -> tuple[str, str]:
    """Return what the command printed and the error it ended with."""
    output = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("djtasks", *arguments, stdout=output)
    return output.getvalue(), str(refusal.value)


def state_of(id_: str) -> State:
    return State(TaskRecord.objects.get(pk=id_).state)


def test_status_shows_every_alias_of_ours() -> None:
    add.enqueue(1, 2)
    pause_queue(engine_of("default"), "mail", by="Ada", reason="no paper")

    text = said("status")

    for alias in ("default", "anything", "polled"):
        assert f"TASKS['{alias}']  database default, broker" in text
    assert "1 ready  0 running  0 successful" in text
    assert "paused by Ada: no paper" in text
    assert "No workers. Start one: manage.py runworker" in text
    assert "! No live worker serves queue 'default'. 1 task is due." in text


def test_status_shows_one_alias_when_asked_to() -> None:
    text = said("status", "--backend", "polled")

    assert "TASKS['polled']" in text
    assert "TASKS['default']" not in text


def test_status_as_json_can_be_read_by_scripts() -> None:
    add.using(run_after=timedelta(minutes=-2)).enqueue(1, 2)
    WorkerRecord.objects.create(backend="default", supervisor=new_id(), pid=7, slots=8)

    (status,) = json.loads(said("status", "--json", "--backend", "default"))

    assert status["states"]["ready"] == 1
    queue = next(queue for queue in status["queues"] if queue["name"] == "default")
    assert (queue["due"], queue["running"], queue["workers"]) == (1, 0, 1)
    assert 120 <= queue["oldest_wait"] < 200
    assert UUID(status["workers"][0]["id"])
    assert status["workers"][0]["silent"] < 60


def test_retry_makes_tasks_ready_again() -> None:
    ids = [explode.enqueue().id for _ in range(2)]
    run_due()

    assert said("retry", *ids) == "2 of 2 ready again.\n"

    assert {state_of(id_) for id_ in ids} == {State.READY}


def test_retry_says_of_each_task_why_it_was_left_alone() -> None:
    ready, nobody = add.enqueue(1, 2).id, str(new_id())
    failed = explode.enqueue().id
    TaskRecord.objects.filter(pk=failed).update(state=State.FAILED)

    output, error = refused("retry", ready, failed, nobody)

    assert output == "1 of 3 ready again.\n"
    assert error == f"{ready}: It is READY.\n{nobody}: No such task."
    assert state_of(failed) is State.READY


def test_cancel_cancels_what_waits() -> None:
    ids = [add.enqueue(1, 2).id for _ in range(2)]

    assert said("cancel", *ids) == "2 of 2 cancelled.\n"

    assert {state_of(id_) for id_ in ids} == {State.CANCELLED}


def test_cancel_ends_with_an_error_when_something_could_not_be_cancelled() -> None:
    first, second = (add.enqueue(1, 2).id for _ in range(2))
    cancel(engine_of("default"), [UUID(first)])

    output, error = refused("cancel", first, second)

    assert (output, error) == (
        "1 of 2 cancelled.\n",
        f"{first}: It is already final, or does not exist.",
    )


def test_discard_deletes_what_does_not_run() -> None:
    running = add.enqueue(1, 2).id
    claim_all(WORKER)
    waiting = add.enqueue(1, 2).id

    output, error = refused("discard", running, waiting)

    assert output == "1 of 2 deleted.\n"
    assert error == f"{running}: It is running: cancel it first."
    assert TaskRecord.objects.get().pk == UUID(running)


@pytest.fixture
def old() -> list[str]:
    """Ids of tasks that ended 1, 10 and 100 days ago."""
    results = [add.enqueue(1, 2) for _ in range(3)]
    run_due()
    for result, days in zip(results, (1, 10, 100), strict=True):
        row = TaskRecord.objects.filter(pk=result.id)
        row.update(finished_at=F("finished_at") - timedelta(days=days))
    return [result.id for result in results]


@pytest.mark.parametrize(
    ("flags", "deleted"),
    [
        ([], 2),
        (["--backend", "default"], 2),
        (["--backend", "polled"], 0),
        (["--older-than", "50"], 1),
        (["--older-than", "0.5"], 3),
        (["--older-than", "0"], 3),
    ],
)
def test_prune_deletes_what_is_old(old: list[str], flags: list[str], deleted: int) -> None:
    assert said("prune", *flags) == f"{deleted} finished tasks deleted.\n"

    assert TaskRecord.objects.count() == 3 - deleted


def test_prune_shows_its_progress_to_a_person(old: list[str]) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    output = Terminal()
    call_command("djtasks", "prune", stdout=output)

    assert "\r\x1b[K2 deleted" in output.getvalue()
    assert output.getvalue().endswith("\r\x1b[K2 finished tasks deleted.\n")


@pytest.mark.parametrize("days", ["-1", "nan", "inf", "1e300"])
def test_prune_refuses_an_age_that_is_none(days: str) -> None:
    _output, error = refused("prune", "--older-than", days)

    assert error.startswith("--older-than must be from 0 to 36,500 days, got")


@pytest.mark.parametrize(
    ("arguments", "args", "kwargs"),
    [
        ([], [], {}),
        (["[1, 2]"], [1, 2], {}),
        (['{"a": 1, "b": 2}'], [], {"a": 1, "b": 2}),
    ],
)
def test_enqueue_prints_the_id(arguments: list[str], args: Any, kwargs: Any) -> None:
    path = "tests.tasks.add" if arguments else "tests.tasks.explode"

    text = said("enqueue", path, *arguments)

    row = TaskRecord.objects.get(pk=text.strip())
    assert (row.task_path, row.args, row.kwargs) == (path, args, kwargs)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["tests.tasks.gone"], "No task is registered as 'tests.tasks.gone' in this process."),
        (["tests.tasks.gone"], "Known tasks:\n  "),
        (["tests.tasks.gone"], "\n  tests.tasks.add\n"),
        (["tests.tasks.add", "[1"], "The arguments are not JSON:"),
        (["tests.tasks.add", "[" * 100_000], "The arguments are nested too deeply."),
        (["tests.tasks.add", "7"], "The arguments must be a JSON list or object."),
        (["tests.tasks.add", "[]"], "Task 'tests.tasks.add' does not accept these arguments"),
        (["tests.tasks.add", "[1, NaN]"], "args[1] is nan, which JSON cannot carry."),
    ],
)
def test_enqueue_says_what_is_wrong(arguments: list[str], complaint: str) -> None:
    _output, error = refused("enqueue", *arguments)

    assert complaint in error
    assert not TaskRecord.objects.exists()


def test_enqueue_knows_nothing_of_the_tasks_of_djtasks_itself() -> None:
    path = bulk_task("default").module_path

    _output, error = refused("enqueue", path, '["7"]')

    assert error.startswith(f"{path!r} is a task of djtasks itself")
    assert f"\n  {path}" not in error
    assert not TaskRecord.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["cancel", "7"], "argument ID: '7' is not a task id, such as 019a5c1e"),
        (["enqueue"], "the following arguments are required: PATH"),
        (["prune", "--older-than", "old"], "invalid float value: 'old'"),
        (["status", "--backend", "nowhere"], "djtasks does not serve TASKS['nowhere']."),
        (["prune", "--backend", "nowhere"], "Aliases that it serves: default, anything, polled."),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], complaint: str) -> None:
    _output, error = refused(*arguments)

    assert complaint in error


def test_the_help_tells_of_every_command_and_flag() -> None:
    parser = Command().create_parser("manage.py", "djtasks")
    commands = next(action for action in parser._actions if action.dest == "command")

    assert isinstance(commands.choices, dict)
    assert list(commands.choices) == [
        "status", "schedules", "doctor", "preflight", "health", "list", "failures", "show",
        "pause", "resume", "purge", "drain", "stop", "retry", "cancel", "discard", "why",
        "workflows", "workflow", "prune", "rotate-keys", "enqueue",
    ]  # fmt: skip
    for name, one in commands.choices.items():
        assert name in parser.format_help()
        assert all(action.help for action in one._actions)


def test_why_says_what_holds_a_task_first() -> None:
    result = add.using(run_after=timedelta(hours=1)).enqueue(1, 2)

    lines = said("why", result.id).splitlines()

    assert lines[0].startswith("* It is not due yet: it may run in 59 min")
    assert lines[1].startswith("* No live worker serves queue 'default'.")
    assert lines[2] == "  Its queue default is not paused."


def test_why_finds_a_task_of_any_alias() -> None:
    assert "polled" in said("why", add.using(backend="polled").enqueue(1, 2).id)


def test_why_knows_nothing_of_a_task_that_is_gone() -> None:
    gone = new_id()

    assert refused("why", str(gone))[1].startswith(f"There is no task {gone}:")
