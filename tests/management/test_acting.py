"""`djtasks retry`, `cancel` and `discard` of all tasks that a search finds."""

import logging
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.management.subcommands.base import this_person
from djtasks.models import BulkAction, TaskRecord, WorkerRecord
from djtasks.operations import pause_queue
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.management.test_djtasks_command import refused, said, state_of
from tests.tasks import add, explode

pytestmark = pytest.mark.usefixtures("engine")


class Keyboard(StringIO):
    """Standard input of a terminal, where somebody types an answer."""

    def isatty(self) -> bool:
        return True


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(text))


def failed(count: int) -> list[str]:
    ids = [explode.enqueue("no paper").id for _ in range(count)]
    run_due()
    return ids


def test_all_that_match_are_retried_by_a_bulk_action() -> None:
    ids = failed(3)
    waiting = add.using(run_after=timedelta(hours=1)).enqueue(1, 2).id

    text = said("retry", "--all", "task:tests.tasks.*", "--spread", "30", "--yes")

    bulk = BulkAction.objects.get()
    assert (bulk.action, bulk.selection["search"]) == ("retry", "task:tests.tasks.*")
    assert bulk.options == {"spread": 1800.0}
    assert bulk.by.endswith("(command line)")
    assert text.startswith("Started in TASKS['default']. A worker continues it in the background.")
    assert f"manage.py djtasks show {bulk.task}\n" in text
    run_due()
    tried = TaskRecord.objects.filter(pk__in=ids).values_list("errors", flat=True)
    assert [len(errors) for errors in tried] == [2, 2, 2]  # a hundred tasks share a due time
    assert "progress:   " in said("show", str(bulk.task))
    bulk.refresh_from_db()
    assert (bulk.changed, bulk.refused) == (3, 1)
    assert state_of(waiting) is State.READY


@pytest.mark.parametrize(
    ("verb", "search", "question"),
    [
        ("retry", "state:failed", "Retry 2 tasks? [y/N] "),
        ("cancel", "task:tests.tasks.add", "Cancel 1 task? [y/N] "),
        ("discard", "task:add task:explode", "Discard 3 tasks? [y/N] "),
    ],
)
def test_a_person_is_asked_first(
    monkeypatch: pytest.MonkeyPatch, verb: str, search: str, question: str
) -> None:
    failed(2)
    add.enqueue(1, 2)

    for answer in ("", "\n", "n\n", "yes please\n"):
        answering(monkeypatch, answer)
        assert refused(verb, "--all", search) == (question, "Nothing was done.")
    assert not BulkAction.objects.exists()

    answering(monkeypatch, "Y\n")
    assert said(verb, "--all", search).startswith(f"{question}Started in ")
    assert BulkAction.objects.get().action == verb


def test_nothing_is_started_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    failed(1)
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))

    error = refused("retry", "--all", "state:failed")[1]

    assert error == "Retry 1 task? Nobody can answer here, so nothing was done. Add --yes."
    assert not BulkAction.objects.exists()


def test_of_several_aliases_those_with_matches_get_a_bulk_action() -> None:
    for alias in ("default", "polled"):
        add.using(backend=alias).enqueue(1, 2)

    said("cancel", "--all", "task:tests.tasks.add", "--yes")

    assert {bulk.backend for bulk in BulkAction.objects.all()} == {"default", "polled"}
    assert not TaskRecord.objects.filter(state=State.CANCELLED).exists()


def test_nothing_is_started_if_no_task_matches() -> None:
    add.enqueue(1, 2)

    text = said("retry", "--all", "task:tests.tasks.add", "--yes")

    assert text == "No task to retry matches 'task:tests.tasks.add'.\n"
    assert not BulkAction.objects.exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["retry"], "Give either ids of tasks or --all SEARCH: "),
        (["cancel", str(new_id()), "--all", "state:ready"], "Give either ids of tasks or --all"),
        (
            ["retry", "--all", ""],
            'djtasks retry --all "state:failed state:cancelled state:expired"',
        ),
        (["discard", "--all", " \t", "--yes"], "An empty search matches every task. Say which"),
        (["cancel", "--all", "state:gone", "--yes"], "“gone” is not a state."),
        (["retry", str(new_id()), "--spread", "5"], "--spread is for --all SEARCH."),
        (["retry", "--all", "x", "--spread", "-5"], "'-5' is not a number of minutes above 0"),
    ],
)
def test_what_is_not_clear_is_refused(words: list[str], complaint: str) -> None:
    failed(1)

    assert complaint in refused(*words)[1]
    assert not BulkAction.objects.exists()


def logged(caplog: Any, *words: str) -> list[str]:
    """Return what a command logs, with "me" as who ran it."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "djtasks.commands"):
        call_command("djtasks", *words, stdout=StringIO())
    ours = (one.getMessage() for one in caplog.records if one.name == "djtasks.commands")
    return [text.replace(this_person(), "me") for text in ours]


@pytest.mark.parametrize("verb", ["retry", "cancel", "discard"])
def test_the_log_has_a_line_for_each_task_with_who_and_why(caplog: Any, verb: str) -> None:
    ids = failed(2) if verb == "retry" else [add.enqueue(1, 2).id for _ in range(2)]

    assert logged(caplog, verb, *ids, "--reason", "no\npaper") == [
        f"Action by hand action={verb} subject={id_} by=me reason=no\\npaper" for id_ in ids
    ]


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (["cancel", "--all", "task:add", "--yes"], "cancel subject=bulk action "),
        (["pause", "mail"], "pause subject=queue mail of TASKS['default']"),
        (["resume", "mail"], "resume subject=queue mail of TASKS['default']"),
        (["purge", "mail", "--yes"], "purge subject=1 tasks of queue mail of TASKS['default']"),
        (["prune"], "prune subject=0 tasks of TASKS['default']"),
        (["drain", "web-1:7"], "drain subject=worker web-1:7"),
        (["stop", "web-1:7"], "stop subject=worker web-1:7"),
    ],
    ids=" ".join,
)
def test_every_action_may_have_a_reason(caplog: Any, words: list[str], subject: str) -> None:
    add.using(queue_name="mail").enqueue(1, 2)
    WorkerRecord.objects.create(
        backend="default", supervisor=new_id(), host="web-1", pid=7, slots=8
    )
    if words[0] == "resume":
        pause_queue(engine_of("default"), "mail", by="Ada")
    asked = [*words, "--backend", "default"]

    (line,) = logged(caplog, *asked, "--reason", "no paper")

    assert line.startswith(f"Action by hand action={subject}")
    assert line.endswith(" by=me reason=no paper")
    assert "a reason has at most 500 characters" in refused(*asked, "--reason", "x" * 501)[1]
