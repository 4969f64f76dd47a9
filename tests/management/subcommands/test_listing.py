"""`djtasks list`."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import override_settings

from djtasks import task
from djtasks.engine import forget_engines
from djtasks.inspection import listing
from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.management.test_djtasks_command import refused, said
from tests.settings import TASKS
from tests.tasks import add, explode


@task(sensitive=("pin",))
def signs_in(name: str, pin: str) -> None:
    raise AssertionError(f"{name} {pin} never runs")


pytestmark = pytest.mark.usefixtures("engine")


def ids_in(text: str) -> list[str]:
    """Return the ids in the first column of a table."""
    lines = text.split("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines[1:]]


def test_tasks_are_listed_newest_first_one_a_line() -> None:
    failed = explode.enqueue("no\x1b paper\nleft")
    run_due()
    later = add.using(run_after=timedelta(hours=2), queue_name="mail").enqueue(1, b=2)
    elsewhere = add.using(backend="polled").enqueue(1, 2)

    text = said("list")

    assert ids_in(text) == [elsewhere.id, later.id, failed.id]
    lines = text.splitlines()
    assert lines[0].split() == ["id", "state", "attempt", "when", "queue", "task", "error"]
    assert "scheduled  0/" in lines[2]
    assert "  in 1 h 59 min  mail " in lines[2]
    assert lines[3].startswith(f"{failed.id}  failed     1/1 ")
    assert lines[3].endswith("  tests.tasks.explode  ValueError: no\\u001b paper")
    assert lines[5] == "3 of 3 tasks. For one of them: manage.py djtasks show ID, or why ID."
    assert "b=2" not in text


def test_the_search_is_that_of_the_admin() -> None:
    failed = explode.enqueue("no paper")
    run_due()
    waiting = add.enqueue(17, 4)

    for words in (
        ["state:failed"], ["task:explode", "after:1h"], ['error:"no paper"'], [f"id:{failed.id}"],
        ["queue:default", "state:failed", "--limit", "1", "--backend", "default"],
    ):  # fmt: skip
        assert ids_in(said("list", *words)) == [failed.id], words
    assert ids_in(said("list", "args.a:17")) == [waiting.id]
    assert said("list", "state:expired") == "No task was found.\n"


def test_only_so_many_tasks_are_listed_as_asked() -> None:
    ids = [add.enqueue(1, number).id for number in range(listing.PAGE_SIZE + 3)][::-1]

    assert ids_in(said("list")) == ids[: listing.PAGE_SIZE]
    text = said("list", "--limit", "52")
    assert ids_in(text) == ids[:52]
    assert "52 of 53 tasks." in text


def test_arguments_are_printed_if_asked_for_and_sensitive_ones_never() -> None:
    signs_in.enqueue("ada", pin="swordfish")

    for words in ([], ["--json"], ["--arguments"], ["--arguments", "--json"]):
        text = said("list", *words)
        assert "swordfish" not in text, words
        assert ("ada" in text) is ("--arguments" in words), words


@override_settings(TASKS={"default": {**TASKS["default"], "OPTIONS": {"private_errors": True}}})
def test_private_errors_count_as_arguments() -> None:
    forget_engines()
    explode.enqueue("Ada has no paper")
    run_due()

    assert "Ada" not in said("list")
    assert "ValueError" in said("list")
    assert "ValueError: Ada has no paper" in said("list", "--arguments")


def test_the_list_for_scripts_has_the_names_of_the_export() -> None:
    result = explode.enqueue("no paper")
    run_due()

    facts = json.loads(said("list", "--json"))

    assert {name: facts[name] for name in ("total", "capped", "partial")} == {
        "total": 1, "capped": False, "partial": False,
    }  # fmt: skip
    (task,) = facts["tasks"]
    assert list(task) == [
        "id", "task", "state", "queue", "backend", "priority", "enqueued_at", "run_after",
        "last_attempted_at", "finished_at", "waited_seconds", "ran_seconds", "attempt",
        "max_attempts", "worker", "target", "error", "message",
    ]  # fmt: skip
    assert (task["id"], task["state"], task["error"]) == (result.id, "failed", "ValueError")
    assert "T" in task["finished_at"]
    (task,) = json.loads(said("list", "--json", "--arguments"))["tasks"]
    assert (task["args"], task["kwargs"], task["key"]) == (["no paper"], {}, None)


def test_a_list_says_how_far_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW", 2)
    ids = [add.enqueue(1, number).id for number in range(5)][::-1]
    TaskRecord.objects.filter(pk=UUID(ids[-1])).update(queue="mail")

    assert "Only the newest" in (text := said("list", "--backend", "default"))
    assert "100,000+ tasks" in text
    facts = json.loads(said("list", "--json", "task:add"))
    assert facts["partial"] is True
    assert ids_in(said("list", "queue:mail", "state:ready")) == [ids[-1]]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["state:gone"], "“gone” is not a state. Choose one of ready, scheduled,"),
        (["colour:red", "after:soon"], "“colour:” is not a search key."),
        (["colour:red", "after:soon"], "“soon” is not a date or time."),
        (["\x1b[2J"], "It contains a control character"),
        (["x" * 5_000], "The search is cut after 4,000 characters."),
        (["--limit", "0"], "--limit must be from 1 to 10,000, got 0."),
        (["--limit", "10001"], "--limit must be from 1 to 10,000, got 10,001."),
        (["--backend", "nowhere"], "djtasks does not serve TASKS['nowhere']."),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(words: list[str], complaint: str) -> None:
    output, error = refused("list", *words)

    assert complaint in error
    assert output == ""
