"""`djtasks show`, `why` of a failed task, `pause` and `resume`."""

import json
from datetime import timedelta

import pytest

from djtasks.formats.ids import new_id
from djtasks.models import QueueControl, TaskRecord
from djtasks.testing import run_due
from tests.management.subcommands.test_listing import signs_in
from tests.management.test_djtasks_command import refused, said
from tests.tasks import add, enqueues, explode

pytestmark = pytest.mark.usefixtures("engine")


def test_show_gives_the_call_the_result_and_the_times_of_a_task() -> None:
    result = add.enqueue(1, b=2)
    run_due()

    text = said("show", result.id)

    assert text.startswith("add.enqueue(1, b=2)")
    assert "state:      successful" in text
    assert "result:     3" in text
    assert "Traceback" not in text


def test_show_gives_the_tracebacks_of_a_failed_task() -> None:
    result = explode.enqueue("no paper")
    run_due()

    text = said("show", result.id)

    assert "Attempt 1: failed at" in text
    assert "ValueError: no paper" in text
    assert 'tests/tasks.py", line' in text


def test_show_gives_the_parent_of_a_task() -> None:
    parent = enqueues.enqueue(1)
    run_due()
    child = TaskRecord.objects.exclude(pk=parent.id).first()
    assert child is not None

    assert f"parent:     {parent.id}" in said("show", str(child.pk))
    assert "parent:" not in said("show", parent.id)


def test_show_says_what_list_says_in_the_same_words() -> None:
    result = explode.enqueue("no paper")
    run_due()

    facts = json.loads(said("show", result.id, "--json"))
    (listed,) = json.loads(said("list", "--json", "--arguments"))["tasks"]

    assert {name: facts[name] for name in listed} == listed
    assert (facts["state"], facts["error"], facts["args"]) == ("failed", "ValueError", ["no paper"])
    (attempt,) = facts["attempts"]
    assert (attempt["number"], attempt["error"]) == (1, "builtins.ValueError")


def test_show_hides_what_is_sensitive_from_scripts() -> None:
    assert "swordfish" not in said("show", signs_in.enqueue("ada", pin="swordfish").id, "--json")


def test_show_knows_nothing_of_a_task_that_is_gone() -> None:
    assert refused("show", str(gone := new_id()))[1].startswith(f"There is no task {gone}:")


def test_why_of_a_failed_task_gives_its_error_and_where_it_came_from() -> None:
    result = explode.enqueue("no paper")
    run_due()

    text = said("why", result.id)

    assert text.startswith("* It is final: failed")
    assert "  ValueError: no paper\n" in text
    assert "tests/tasks.py" in text
    assert "in explode" in text


def test_a_queue_is_paused_for_a_time_and_resumed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "djtasks.commands")
    text = said("pause", "mail", "--reason", "no paper", "--minutes", "90", "--backend", "default")

    assert text == "Queue mail of TASKS['default'] is paused until 1 h 30 min are over.\n"
    control = QueueControl.objects.get()
    assert control.paused_at is not None
    assert control.until is not None
    assert (control.queue, control.reason) == ("mail", "no paper")
    assert "command line" in control.paused_by
    assert control.until - control.paused_at > timedelta(minutes=89)
    assert said("resume", "mail", "--backend", "default") == (
        "Queue mail of TASKS['default'] is open again.\n"
    )
    assert not QueueControl.objects.exists()
    paused, resumed = (record.getMessage() for record in caplog.records)
    assert paused.startswith("Action by hand action=pause subject=queue mail of TASKS['default']")
    assert resumed.startswith("Action by hand action=resume subject=queue mail")


def test_a_queue_that_is_not_paused_cannot_be_resumed() -> None:
    assert refused("resume", "mail")[1] == "Queue mail is not paused."


def test_an_unknown_queue_is_refused_with_a_suggestion() -> None:
    told = refused("pause", "mial", "--backend", "default")[1]

    assert told == "There is no queue 'mial'. Did you mean 'mail'?"


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_a_name_that_no_queue_can_have_is_refused(name: str) -> None:
    told = refused("pause", name, "--backend", "anything")[1]

    assert told.startswith(f"There is no queue {name!r}. ")
    assert len(told) > len(f"There is no queue {name!r}. Queues: .")


@pytest.mark.parametrize("minutes", ["0", "-1", "soon", "nan", "1e99"])
def test_a_pause_needs_a_time_that_makes_sense(minutes: str) -> None:
    assert "is not a number of minutes" in refused("pause", "mail", "--minutes", minutes)[1]
