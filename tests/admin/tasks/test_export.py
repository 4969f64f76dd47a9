"""What a search finds, as CSV and JSON."""

import json

import pytest
from django.test import Client

from djtasks.admin.tasks.export import _cell
from djtasks.inspection import listing
from djtasks.testing import run_due
from tests.admin.tasks.test_listing import open_door, permitted, url
from tests.tasks import add, explode

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with millions of tasks: only the newest three are looked at without an index."""
    monkeypatch.setattr(listing, "WINDOW", 2)


def test_what_is_found_is_exported(admin: Client) -> None:
    open_door.using(priority=-5).enqueue(17, "sesame")
    explode.enqueue("=cmd|' /C calc'!A0")
    run_due()

    lines = admin.get(url("djtasks_export", "?format=csv&q=explode")).getvalue().decode()
    whole = json.loads(admin.get(url("djtasks_export", "?format=json")).getvalue())

    assert len(lines.splitlines()) == 2
    assert ",'=cmd|' /C calc'!A0," in lines
    assert whole["note"] is None
    door = whole["tasks"][-1]
    assert (door["priority"], door["state"], door["args"]) == (-5, "successful", [17, "[hidden]"])


def test_an_export_without_the_permission_has_no_arguments(client: Client) -> None:
    add.enqueue(123451234512345, 2)
    bob = permitted(client, "view_taskrecord")

    whole = bob.get(url("djtasks_export", "?format=json")).getvalue().decode()

    assert "123451234512345" not in whole
    assert "args" not in whole


@pytest.mark.usefixtures("small_window")
def test_an_export_that_is_not_everything_says_so(admin: Client) -> None:
    for _ in range(5):
        add.enqueue(1, 2)

    whole = json.loads(admin.get(url("djtasks_export", "?format=json")).getvalue())
    lines = admin.get(url("djtasks_export")).getvalue().decode().splitlines()

    assert len(whole["tasks"]) == 3
    assert whole["note"] == "Only the newest 100,000 tasks were searched."
    assert "newest 100,000" in lines[-1]


def test_an_export_of_a_search_that_is_not_understood_is_refused(admin: Client) -> None:
    answer = admin.get(url("djtasks_export", "?q=state:brokn"))

    assert answer.status_code == 400
    assert "is not a state" in answer.content.decode()
    assert admin.get(url("djtasks_export", "?format=xls")).status_code == 404


@pytest.mark.parametrize(
    "text", ["=1", "\uff1d1", "\uff0b1", " =1", "\u00a0=1", ";=1", ", =1", "\ufeff@x", "-x", "\tx"]
)
def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_quoted(text: str) -> None:
    assert _cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "", " a", "; a", "x@example.com"])
def test_other_texts_are_exported_as_they_are(text: str) -> None:
    assert _cell(text) == text
