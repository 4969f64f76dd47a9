"""A row that somebody has edited into nonsense is shown as such, and breaks no page or command."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from djtasks.engine import Engine
from djtasks.models import Schedule
from djtasks.schedules import Every
from tests.admin.scheduling import made, page

pytestmark = pytest.mark.usefixtures("engine")

SOON = datetime(2040, 1, 1, tzinfo=UTC)
# The last moments that a datetime holds; a zone east of UTC shows none of them.
LAST = datetime.max.replace(tzinfo=UTC)
NONSENSE: dict[str, dict[str, Any]] = {
    "no object": {"rule": [1, 2]},
    "a text": {"rule": "0 0 * * *"},
    "a huge span": {"rule": {"kind": "interval", "seconds": 1e300}},
    "an expression that is a list": {"rule": {"kind": "cron", "expression": ["0"], "tz": "UTC"}},
    "a zone of nowhere": {"rule": {"kind": "cron", "expression": "0 0 * * *", "tz": "Moon"}},
    "a star in a list": {"rule": {"kind": "cron", "expression": "0 0 1 *,3 *", "tz": "UTC"}},
    "the end of time": {"rule": {"kind": "once", "at": "9999-12-31T23:59:59+00:00"}},
    "beyond the calendar": {"rule": {"kind": "once", "at": "9999-12-31T23:59:59-12:00"}},
    "a policy": {"missed": ["coalesce"]},
    "an overlap": {"overlap": "sometimes"},
    "a jitter": {"jitter": timedelta(seconds=-5)},
    "arguments": {"args": {"a": 1}, "kwargs": [1]},
    "an end": {"ends_at": LAST},
    "a next run": {"next_run_at": LAST},
    "a last run": {"last_due_at": LAST},
    "a declaration": {"declared": [1]},
    "a declared jitter": {"declared": {"jitter": 1e300}},
}


@pytest.fixture
def rows(engine: Engine) -> list[Schedule]:
    made(name="fine", rule=Every(timedelta(minutes=5)).as_dict())
    return [made(name=name, **({"next_run_at": SOON} | NONSENSE[name])) for name in NONSENSE]


def test_every_page_about_schedules_opens(
    admin: Client, rows: list[Schedule], settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Athens"

    pages: dict[str, Any] = {
        page(name, row): admin.get(page(name, row)) for row in rows for name in ("change", "pause")
    }
    pages |= {"list": admin.get(page("changelist")), "delete": admin.get(page("delete", rows[0]))}
    pages["overview"] = admin.get(reverse("admin:djtasks_overview"))

    assert {shown.status_code for shown in pages.values()} == {200}
    html = pages["list"].content.decode()
    assert all(name in html for name in ("Every 5 minutes", *NONSENSE))


def test_a_button_answers_with_the_reason(admin: Client, rows: list[Schedule]) -> None:
    buttons = [page(name, row) for row in rows for name in ("run", "revert", "pause", "resume")]

    assert {admin.post(button).status_code for button in buttons} == {302}


@pytest.mark.usefixtures("rows")
def test_every_command_about_schedules_shows_them() -> None:
    for command in ("schedules", "schedules --json"):
        out = StringIO()

        call_command("djtasks", *command.split(), stdout=out)

        assert all(name in out.getvalue() for name in ("fine", *NONSENSE))


def test_a_row_that_no_scheduler_has_looked_at_yet_says_why_it_cannot_run(admin: Client) -> None:
    row = made(overlap="sometimes")

    for name in ("changelist", "change"):
        html = admin.get(page(name, None if name == "changelist" else row)).content.decode()

        assert "must be one of allow, skip, queue_one" in html, name


@pytest.mark.parametrize("language", ["de", "fr"])
def test_no_attribute_writes_an_id_with_thousands_separators(
    admin: Client, settings: Any, language: str
) -> None:
    settings.LANGUAGE_CODE = language
    settings.USE_THOUSAND_SEPARATOR = True
    row = made(id=12345)

    for name in ("changelist", "change", "pause", "delete"):
        html = admin.get(page(name, None if name == "changelist" else row)).content.decode()

        assert re.findall(r'="[^"]*12[^"\d]345[^"]*"', html) == [], name
    assert 'id="djt-schedule-12345"' in admin.get(page("changelist")).content.decode()
