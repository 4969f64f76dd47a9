"""The form of schedules, as somebody without scripts uses it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from djtasks.models import Schedule
from djtasks.schedules import Crontab, Every, Once
from tests.admin.scheduling import NIGHTLY, TYPED, log, made, page

pytestmark = pytest.mark.usefixtures("engine")


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["form"].errors)


def test_a_schedule_is_made_in_the_admin(admin: Client) -> None:
    answer = admin.post(page("add"), TYPED | {"_save": ""})

    row = Schedule.objects.get()
    assert answer.status_code == 302, errors(answer)
    assert (row.rule, row.args, row.overlap) == (NIGHTLY.as_dict(), [1, 2], "skip")
    assert row.next_run_at is not None
    assert log() == ["Created: Daily at 02:30, Europe/Paris."]


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ({"kind": "interval", "interval": "1 h 30 min"}, Every(timedelta(minutes=90)).as_dict()),
        (
            {"kind": "once", "at": "2040-05-01T12:00:00"},
            Once(datetime(2040, 5, 1, 9, tzinfo=UTC)).as_dict(),
        ),
        (
            {"expression": "*/10 * * * * *", "seconds": "on"},
            Crontab("*/10 * * * * *", "Europe/Paris", seconds=True).as_dict(),
        ),
    ],
)
def test_each_kind_can_be_made(admin: Client, typed: Any, rule: Any) -> None:
    admin.post(page("add"), TYPED | typed)

    assert Schedule.objects.get().rule == rule


@pytest.mark.parametrize(
    ("typed", "field", "complaint"),
    [
        ({"expression": "61 * * * *"}, "expression", "the minute cannot be"),
        ({"expression": "0 0 30 2 *"}, "expression", "never fires"),
        ({"expression": ""}, "expression", "needs 5 fields"),
        ({"tz": "Europe/Pariss"}, "tz", "Did you mean"),
        ({"kind": "interval", "interval": "0.5"}, "interval", "from 1 second"),
        ({"kind": "interval", "interval": "soon"}, "interval", "is not a duration"),
        ({"kind": "interval", "interval": ""}, "interval", "at least one second"),
        ({"kind": "once", "at": ""}, "at", "Enter the time"),
        ({"kind": "moon"}, "kind", "valid choice"),
        ({"args": "[1]"}, "args", "missing a required argument"),
        ({"args": "[1, 2"}, "args", "valid JSON"),
        ({"args": "{}"}, "args", "JSON list"),
        ({"args": "[1, NaN]"}, "args", "JSON cannot carry"),
        ({"kwargs": '{"c": 3}'}, "kwargs", "unexpected keyword argument"),
        ({"kwargs": "[]"}, "kwargs", "JSON object"),
        ({"task_path": "os.system"}, "task_path", "valid choice"),
        ({"name": ""}, "name", "required"),
        ({"missed": "catch_up", "limit": ""}, "limit", "limit from 1 to 1,000"),
        ({"missed": "skip_if_older_than", "age": ""}, "age", "above zero"),
        ({"jitter": "-5"}, "jitter", "is not a duration"),
        ({"starts_at": "2040-05-02T12:00", "ends_at": "2040-05-01T12:00"}, "ends_at", "later end"),
    ],
)
def test_what_makes_no_sense_is_an_error_in_its_field(
    admin: Client, typed: dict[str, str], field: str, complaint: str
) -> None:
    answer = admin.post(page("add"), TYPED | typed | {"_save": ""})

    assert answer.status_code == 200
    assert list(errors(answer)) == [field]
    assert complaint in str(errors(answer)[field])
    assert not Schedule.objects.exists()


def test_a_wrong_zone_and_a_wrong_expression_are_both_told(admin: Client) -> None:
    answer = admin.post(page("add"), TYPED | {"tz": "Mars", "expression": "61 * * * *"})

    assert set(errors(answer)) == {"tz", "expression"}


def test_a_name_that_is_taken_is_an_error_in_its_field(admin: Client) -> None:
    made()

    answer = admin.post(page("add"), TYPED)

    assert "Choose another name" in str(errors(answer)["name"])


def test_a_preview_shows_the_next_ten_runs_and_saves_nothing(admin: Client) -> None:
    answer = admin.post(page("add"), TYPED | {"_preview": ""})

    html = answer.content.decode()
    assert len(answer.context["preview"].runs) == 10
    assert "Daily at 02:30, Europe/Paris" in html
    assert "add(a: int, b: int)" in html
    assert not Schedule.objects.exists()


def test_the_preview_says_what_a_clock_change_does(admin: Client) -> None:
    typed = {"starts_at": "2040-10-27T00:00", "ends_at": "2040-10-29T00:00"}

    answer = admin.post(page("preview"), TYPED | typed)

    assert "02:30 comes twice. It runs once, the first time." in answer.content.decode()
    assert len(answer.context["preview"].runs) == 2


@pytest.mark.parametrize(
    ("expression", "is_noted"), [("* */3 * * *", True), ("0 */3 * * *", False)]
)
def test_the_preview_notes_a_rule_that_may_mean_once_an_hour(
    admin: Client, expression: str, is_noted: bool
) -> None:
    html = admin.post(page("preview"), TYPED | {"expression": expression}).content.decode()

    assert ("For once an hour, enter 0 for the minute." in html) is is_noted


@pytest.mark.parametrize("name", ["preview", "add"])
@pytest.mark.parametrize("depth", [33, 5_000, 100_000])
@pytest.mark.parametrize("field", ["args", "kwargs"])
def test_json_that_is_nested_too_deeply_is_an_error_in_its_field(
    admin: Client, name: str, depth: int, field: str
) -> None:
    around = ("[", "]") if field == "args" else ('{"a":', "}")
    typed = {field: around[0] * depth + "1" + around[1] * depth}

    answer = admin.post(page(name), TYPED | typed)

    assert answer.status_code == 200
    assert not Schedule.objects.exists()
    if name == "add":
        assert answer.context["form"].errors


def test_a_new_schedule_has_no_task_yet_and_offers_none_of_djtasks_own(admin: Client) -> None:
    form = admin.get(page("add")).context["form"]
    offered = [path for path, _label in form.fields["task_path"].choices]

    assert offered[0] == ""
    assert "tests.tasks.add" in offered
    assert not [path for path in offered if path.startswith("djtasks.")]
    answer = admin.post(page("add"), TYPED | {"task_path": ""})
    assert "required" in str(answer.context["form"].errors["task_path"])


def test_the_preview_of_nonsense_says_what_is_wrong(admin: Client) -> None:
    html = admin.post(page("preview"), TYPED | {"expression": "61 * * * *"}).content.decode()

    assert "the minute cannot be" in html
    assert admin.get(page("preview")).status_code == 405


def test_the_form_shows_a_row_and_saving_it_changes_nothing(admin: Client) -> None:
    row = made(
        rule=Every(timedelta(minutes=90)).as_dict(),
        missed={"policy": "catch_up", "limit": 3},
        jitter=timedelta(seconds=30),
    )
    form = admin.get(page("change", row)).context["form"]
    shown = {field.name: field.value() for field in form if field.value() not in (None, False)}

    admin.post(page("change", row), shown)

    assert (shown["interval"], shown["jitter"]) == ("1 hour 30 minutes", "30 seconds")
    before = vars(row)
    row = Schedule.objects.get()
    assert {name for name, value in vars(row).items() if before[name] != value} <= {
        "_state",
        "changed_at",
        "created_at",
    }
    assert log() == []


def test_a_change_is_in_the_history_old_and_new(admin: Client) -> None:
    row = made()

    admin.post(page("change", row), TYPED | {"expression": "0 3 * * *", "overlap": "allow"})

    assert log() == ["rule: Daily at 02:30, Europe/Paris → Daily at 03:00, Europe/Paris"]
    assert admin.get(page("history", row)).status_code == 200
