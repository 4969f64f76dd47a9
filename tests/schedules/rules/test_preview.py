"""The next runs, and what is said where clocks are set."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from djtasks.schedules import Crontab, Every, Once, Upcoming, upcoming

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_next_runs_of_a_rule_are_listed() -> None:
    found = upcoming(Every(timedelta(minutes=5)), 3, NOON)

    assert found == [Upcoming(NOON + timedelta(minutes=minutes)) for minutes in (5, 10, 15)]


def test_a_rule_that_ends_has_fewer() -> None:
    assert upcoming(Once(NOON), 10, NOON - timedelta(days=1)) == [Upcoming(NOON)]
    assert upcoming(Once(NOON), 10, NOON) == []


FORWARD = "Clocks go forward from 02:00 CET to 03:00 CEST"
BACK = "Clocks go back from 03:00 CEST to 02:00 CET"


@pytest.mark.parametrize(
    ("expression", "after", "notes"),
    [
        (
            "30 2 * * *",
            "2026-03-28T12:00",
            [f"{FORWARD}: 02:30 does not exist. It runs once, after the gap.", ""],
        ),
        ("0 3 * * *", "2026-03-28T12:00", ["", ""]),
        ("30 9 * * *", "2026-03-28T12:00", ["", ""]),
        (
            "*/30 * * * *",
            "2026-03-29T01:00",
            ["", f"{FORWARD}: the times between do not exist and are skipped.", ""],
        ),
        (
            "*/30 2 * * *",
            "2026-03-28T12:00",
            [f"{FORWARD}: the times between do not exist and are skipped.", ""],
        ),
        ("*/30 9 * * *", "2026-03-28T12:00", ["", ""]),
        (
            "30 2 * * *",
            "2026-10-24T12:00",
            [f"{BACK}: 02:30 comes twice. It runs once, the first time.", ""],
        ),
        ("30 3 * * *", "2026-10-24T12:00", ["", ""]),
        (
            "30 * * * *",
            "2026-10-25T02:00",
            ["", f"{BACK}: the times between come twice, and it runs both times.", ""],
        ),
        ("*/30 9 * * *", "2026-10-24T12:00", ["", ""]),
    ],
)
def test_a_note_stands_where_a_clock_decides(expression: str, after: str, notes: list[str]) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo("Europe/Paris"))

    found = upcoming(Crontab(expression, "Europe/Paris"), len(notes), moment)

    assert [one.note for one in found] == notes


def test_a_gap_of_a_day_names_the_days() -> None:
    after = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))

    (first,) = upcoming(Crontab("0 9 * * *", "Pacific/Apia"), 1, after)

    assert first.note == (
        "Clocks go forward from Fri 30 Dec 00:00 -10 to Sat 31 Dec 00:00 +14: "
        "09:00 does not exist. It runs once, after the gap."
    )


def test_a_zone_without_clock_changes_has_no_notes() -> None:
    found = upcoming(Crontab("*/30 2 * * *", "Asia/Tokyo"), 400, NOON)

    assert {one.note for one in found} == {""}
