"""`manage.py djtasks schedules`, and what `status` says of the scheduler."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from djtasks import operations
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.schedules import Crontab, Every, Once
from tests.scheduler.making import HOUR, MINUTE, NOON, change, schedule, tick

pytestmark = pytest.mark.usefixtures("engine")
# Before the clocks go back, far ahead of any clock that runs these tests.
EVE = datetime(2046, 10, 27, 12, tzinfo=UTC)
PARIS = Crontab("30 2 * * *", "Europe/Paris")


def said(*arguments):
    output = StringIO()
    call_command("djtasks", *arguments, stdout=output)
    return output.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as refusal:
        said(*arguments)
    return str(refusal.value)


def line_of(text, name):
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return line


def test_schedules_are_listed_with_their_next_runs_in_words(engine):
    now = engine.store.now()
    schedule("nightly", rule=PARIS.as_dict(), next_run_at=now + timedelta(minutes=90, seconds=30))
    schedule("never", rule=Once(NOON).as_dict(), next_run_at=None)
    schedule("gone", removed=True)
    schedule("odd", rule={"kind": "moon"})
    paused = schedule("paused")
    operations.pause_schedule(engine, paused.pk, by="Ada", reason="no paper")
    due = schedule("due", next_run_at=now - HOUR)
    operations.run_now(engine, due.pk, by="Ada")

    text = said("schedules")

    assert "in 1 h 30 min" in line_of(text, "nightly")
    assert str(PARIS) in line_of(text, "nightly")
    assert "never again" in line_of(text, "never")
    assert "not in the code" in line_of(text, "gone")
    assert "broken: {'kind': 'moon'} is not a rule" in line_of(text, "odd")
    assert "paused by Ada since" in line_of(text, "paused")
    assert "no paper" in line_of(text, "paused")
    assert line_of(text, "due").split()[1:3] == ["due", "ready,"]


def test_the_last_run_is_told_with_its_state(engine):
    schedule(rule=Every(HOUR).as_dict(), next_run_at=engine.store.now())
    tick(engine, engine.store.now())

    assert "ready, 0 s ago" in line_of(said("schedules"), "sums")


def test_runs_that_are_skipped_are_told_and_are_no_last_run(engine):
    now = engine.store.now()
    row = schedule(overlap="skip", rule=Every(MINUTE).as_dict(), next_run_at=now)
    tick(engine, now)
    change(row, changed_at=now - 2 * HOUR)
    TaskRecord.objects.update(enqueued_at=now - HOUR, due_at=now - HOUR, state=State.RUNNING)
    assert "skips runs" in line_of(said("schedules"), "sums")
    assert "skipped 60 since the last run" in line_of(said("schedules"), "sums")
    assert "running, 1 h ago" in line_of(said("schedules"), "sums")

    change(row, last_due_at=now - HOUR)
    assert "skips runs" not in line_of(said("schedules"), "sums")

    change(row, last_due_at=now)
    TaskRecord.objects.update(state=State.SUCCESSFUL)
    assert "skips runs" not in line_of(said("schedules"), "sums")


def test_an_override_is_told():
    said_by_code = {
        "task_path": "tests.tasks.add", "rule": PARIS.as_dict(), "args": [1, 2], "kwargs": {},
        "missed": {"policy": "coalesce"}, "overlap": "skip", "jitter": 0.0,
        "starts_at": None, "ends_at": None,
    }  # fmt: skip
    schedule(declared=said_by_code)

    assert "rule, overlap changed by hand" in said("schedules")


def test_without_schedules_it_says_how_to_get_one():
    assert "Declare one with @periodic" in said("schedules")


def test_one_schedule_alone_and_as_json(engine):
    row = schedule("nightly", rule=PARIS.as_dict())
    schedule("other")

    [facts] = json.loads(said("schedules", "nightly", "--json"))

    assert (facts["id"], facts["name"], facts["zone"]) == (row.pk, "nightly", "Europe/Paris")
    assert (facts["jitter"], facts["next_run_at"]) == (0.0, "2020-06-01T12:00:00+00:00")
    assert len(json.loads(said("schedules", "--json"))) == 2


def test_a_preview_lists_runs_with_notes_on_clock_changes(engine):
    row = schedule("nightly", rule=PARIS.as_dict(), starts_at=EVE)

    lines = said("schedules", "nightly", "--preview", "3").splitlines()

    assert lines[0] == f"nightly: {PARIS}"
    assert lines[1].startswith("  2046-10-28 00:30:00 UTC  Sun 02:30:00 CEST  Clocks go back")
    assert lines[2].startswith("  2046-10-29 01:30:00 UTC  Mon 02:30:00 CET")
    assert len(lines) == 4
    change(row, ends_at=EVE + timedelta(days=1))
    assert len(said("schedules", "nightly", "--preview", "3").splitlines()) == 2
    [run] = json.loads(said("schedules", "nightly", "--preview", "1", "--json"))
    assert run["at"] == "2046-10-28T00:30:00+00:00"


def test_a_preview_of_what_is_over_is_empty():
    schedule("launch", rule=Once(NOON - timedelta(days=999)).as_dict())

    assert said("schedules", "launch", "--preview", "3").splitlines()[1] == "  never again"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody"], "There is no schedule named 'nobody'. Known schedules:\n  odd"),
        (["--preview", "3"], "--preview needs the NAME of a schedule"),
        (["odd", "--preview", "0"], "--preview must be from 1 to 1,000, got 0."),
        (["odd", "--preview", "1001"], "--preview must be from 1 to 1,000, got 1,001."),
        (["odd", "--preview", "3"], "Schedule 'odd' is broken: {'kind': 'moon'} is not a rule"),
        (["--backend", "nowhere"], "djtasks does not serve TASKS['nowhere']."),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, complaint):
    schedule("odd", rule={"kind": "moon"})

    assert complaint in refused("schedules", *arguments)


def test_status_says_one_schedule_in_the_singular(engine):
    schedule("soon", next_run_at=engine.store.now() + timedelta(seconds=90.5))

    assert "\n1 schedule, next in 1 min 30 s" in said("status", "--backend", "default")


def test_status_counts_schedules_and_says_when_the_next_one_is(engine):
    schedule("soon", next_run_at=engine.store.now() + timedelta(seconds=90.5))
    schedule("broken", broken="It is.", next_run_at=NOON - HOUR)
    schedule("paused", is_enabled=False, next_run_at=None)

    text = said("status", "--backend", "default")

    assert "3 schedules, 1 paused, 1 broken, next in 1 min 30 s" in text
    assert "! Schedule 'broken' is broken and does not fire: It is." in text
    assert "no scheduler fires them" not in text


def test_status_says_that_nobody_fires_schedules(engine):
    now = engine.store.now()
    schedule("late", next_run_at=now - timedelta(seconds=150))
    schedule("waits", overlap="queue_one", next_run_at=now - HOUR)

    text = said("status", "--backend", "default")

    assert "! Schedules are due, but no scheduler fires them. This has lasted 2 min 30 s." in text
    assert "s. Start a worker" in text
