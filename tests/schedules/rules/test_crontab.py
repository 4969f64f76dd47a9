"""When cron expressions fire, also where clocks are set."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.errors import InvalidSchedule
from djtasks.schedules import Crontab


def fires(rule: Crontab, after: str, count: int) -> list[str]:
    """Return the next due times as the rule's own clock shows them, with the offset."""
    zone = ZoneInfo(rule.tz)
    moment: datetime | None = datetime.fromisoformat(after).replace(tzinfo=zone)
    shown = []
    for _ in range(count):
        assert moment is not None
        moment = rule.next_after(moment)
        assert moment is not None
        assert moment.tzinfo is UTC
        shown.append(moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S%z"))
    return shown


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("*/5 8-18 * * mon-fri", "2026-10-16 18:57", ["2026-10-19 08:00", "2026-10-19 08:05"]),
        ("0 0 L * *", "2028-02-01", ["2028-02-29 00:00", "2028-03-31 00:00"]),
        ("0 9 * * fri#2", "2026-01-01", ["2026-01-09 09:00", "2026-02-13 09:00"]),
        ("0 9 * * L5", "2026-01-01", ["2026-01-30 09:00", "2026-02-27 09:00"]),
        ("0 9 13 * fri", "2026-02-10", ["2026-02-13 09:00", "2026-02-20 09:00"]),
        ("0 9 1-31/2 * mon", "2026-02-01 10:00", ["2026-02-02 09:00", "2026-02-03 09:00"]),
        ("0 9 L * mon", "2026-02-24", ["2026-02-28 09:00", "2026-03-02 09:00"]),
        ("0 9 *,3 * mon", "2026-02-24", ["2026-03-02 09:00", "2026-03-09 09:00"]),
        ("0 9 29 feb *", "2026-01-01", ["2028-02-29 09:00", "2032-02-29 09:00"]),
        ("30 4 * jan,jul sun", "2026-01-26", ["2026-07-05 04:30", "2026-07-12 04:30"]),
        ("@daily", "2026-01-01 12:00", ["2026-01-02 00:00", "2026-01-03 00:00"]),
    ],
)
def test_a_cron_expression_names_its_times(
    expression: str, after: str, expected: list[str]
) -> None:
    assert fires(Crontab(expression), after, 2) == [f"{time}:00+0000" for time in expected]


def test_a_due_time_is_strictly_after_the_moment() -> None:
    rule = Crontab("0 12 * * *")

    for moment, day in [("11:59:59.999999", 1), ("12:00", 2), ("12:00:00.000001", 2)]:
        found = rule.next_after(datetime.fromisoformat(f"2026-05-01T{moment}+00:00"))
        assert found == datetime(2026, 5, day, 12, tzinfo=UTC)


def test_seconds_stand_first_and_only_when_asked_for() -> None:
    rule = Crontab("*/20 30 9 * * *", seconds=True)

    assert fires(rule, "2026-01-01", 4) == [
        "2026-01-01 09:30:00+0000",
        "2026-01-01 09:30:20+0000",
        "2026-01-01 09:30:40+0000",
        "2026-01-02 09:30:00+0000",
    ]


PARIS_SPRING, PARIS_AUTUMN = "2026-03-28 12:00", "2026-10-24 12:00"


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # The clock goes from 02:00 to 03:00.
        ("30 2 * * *", PARIS_SPRING, ["29 03:00+0200", "30 02:30+0200", "31 02:30+0200"]),
        ("0 2,3 * * *", PARIS_SPRING, ["29 03:00+0200", "30 02:00+0200", "30 03:00+0200"]),
        ("59 1 * * *", PARIS_SPRING, ["29 01:59+0100", "30 01:59+0200", "31 01:59+0200"]),
        ("30 * * * *", "2026-03-29 01:00", ["29 01:30+0100", "29 03:30+0200", "29 04:30+0200"]),
        ("*/30 * * * *", "2026-03-29 01:10", ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200"]),
        ("*/30 2 * * *", PARIS_SPRING, ["30 02:00+0200", "30 02:30+0200", "31 02:00+0200"]),
        # The clock goes from 03:00 back to 02:00.
        ("30 2 * * *", PARIS_AUTUMN, ["25 02:30+0200", "26 02:30+0100", "27 02:30+0100"]),
        ("0 2,3 * * *", PARIS_AUTUMN, ["25 02:00+0200", "25 03:00+0100", "26 02:00+0100"]),
        ("30 * * * *", "2026-10-25 02:00", ["25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]),
        ("*/30 * * * *", "2026-10-25 02:10", ["25 02:30+0200", "25 02:00+0100", "25 02:30+0100"]),
        ("*/30 2 * * *", "2026-10-25 02:10", ["25 02:30+0200", "25 02:00+0100", "25 02:30+0100"]),
    ],
)
def test_where_paris_sets_its_clock(expression: str, after: str, expected: list[str]) -> None:
    shown = fires(Crontab(expression, "Europe/Paris"), after, 3)

    assert shown == [f"{after[:8]}{time[:8]}:00{time[8:]}" for time in expected]


@pytest.mark.parametrize(
    ("tz", "after", "expression", "expected"),
    [
        # Samoa went to the other side of the date line and had no 30 December.
        ("Pacific/Apia", "2011-12-29 12:00", "0 9 * * *", ["12-31 00:00", "12-31 09:00"]),
        # Lord Howe sets its clock by half an hour.
        ("Australia/Lord_Howe", "2026-10-03 12:00", "15 2 * * *", ["10-04 02:30", "10-05 02:15"]),
        # The first hour of a day is missing in Beirut.
        ("Asia/Beirut", "2026-03-28 12:00", "0 0 * * *", ["03-29 01:00", "03-30 00:00"]),
    ],
)
def test_unusual_clocks(tz: str, after: str, expression: str, expected: list[str]) -> None:
    shown = [time[5:16] for time in fires(Crontab(expression, tz), after, 2)]

    assert shown == expected


@pytest.mark.parametrize("hours", ["*", "*,3", "3,*", "*/1,3"])
def test_a_star_within_a_list_of_hours_also_fires_in_both_equal_hours(hours: str) -> None:
    rule = Crontab(f"0 {hours} * * *", "Europe/Paris")

    assert fires(rule, "2026-10-25 01:30", 3) == [
        "2026-10-25 02:00:00+0200",
        "2026-10-25 02:00:00+0100",
        "2026-10-25 03:00:00+0100",
    ]


def test_a_star_within_a_list_does_not_excuse_what_stands_beside_it() -> None:
    with pytest.raises(InvalidSchedule, match=r"the minute cannot be '\*,61'"):
        Crontab("*,61 * * * *")


def test_a_moment_in_the_second_of_two_equal_hours_looks_ahead() -> None:
    rule = Crontab("45 2 * * *", "Europe/Paris")
    second_half_past_two = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert rule.next_after(second_half_past_two) == datetime(2026, 10, 26, 1, 45, tzinfo=UTC)


def test_nothing_is_due_after_the_last_year() -> None:
    assert Crontab("0 0 1 1 *").next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("0 0 30 2 *", "never fires: there is no such date"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("R * * * *", r"random or hashed field \(R or H\)"),
        ("0 h(0-5) * * *", r"random or hashed field \(R or H\)"),
        ("* * * *", r"needs 5 fields .* got 4\. .*seconds=True"),
        ("0 * * * * *", r"needs 5 fields .* got 6\. .*seconds=True"),
        ("", "got 0"),
        ("61 * * * *", "the minute cannot be '61': expected 0-59"),
        ("0 24 * * *", "the hour cannot be '24': expected 0-23"),
        ("0 0 32 * *", "the day of the month cannot be '32'"),
        ("0 0 * foo *", "the month cannot be 'foo': expected 1-12 or jan-dec"),
        ("0 0 * * mon#6", "the day of the week cannot be 'mon#6'"),
        ("*/0 * * * *", r"the minute cannot be '\*/0'"),
        ("0 0 * * mon-mon", "The range 'mon-mon'"),
        ("0 0 */2 * 1", r"one of them with '\*/2'\. .* '1-31/2': then either is enough"),
        ("0 0 1 * */2", r"one of them with '\*/2'"),
        ("0 0 8 * mon#1", "one of them with 'mon#1'"),
        ("0 0 1 * L5", "one of them with 'L5'"),
        ("0 0 15W * mon", "one of them with '15W'"),
        ("*/90 * * * *", r"'\*/90' .* the minute, 0\. Write 0, or .*minutes=90"),
        ("0 */36 * * *", r"the hour, 0\. .* Every\(timedelta\(hours=36\)\)"),
        ("0,5-10/7 * * * *", "The step of '5-10/7' .* the minute, 5"),
        ("5/55 * * * *", "the minute, 5"),
        ("0 0 */31 * *", r"the day of the month, 1\. .* Every\(timedelta\(days=31\)\)"),
        ("0 0 1 */12 *", r"the month, 1\. Write 1\.$"),
        ("0 0 * * */7", r"the day of the week, 0\. Write 0\.$"),
        ("0 0 * * mon-fri/5", "the day of the week, 1"),
        ("@reboot", "'@reboot' is not an alias .*@hourly, @daily"),
        (None, "must be a text, got None"),
    ],
)
def test_an_expression_that_makes_no_sense_is_refused(expression: Any, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        Crontab(expression)


def test_a_step_of_seconds_longer_than_a_minute_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match=r"the second, 0\. .*timedelta\(seconds=90\)"):
        Crontab("*/90 * * * * *", seconds=True)


@pytest.mark.parametrize("minutes", ["*/30", "*/59", "50-5/5", "5/15", "*/1"])
def test_a_step_that_leaves_several_values_is_taken(minutes: str) -> None:
    assert Crontab(f"{minutes} * * * *").next_after(datetime(2026, 1, 1, tzinfo=UTC))


def test_six_fields_are_wanted_with_seconds() -> None:
    with pytest.raises(InvalidSchedule, match=r"needs 6 fields \(second, minute, .* got 5\.$"):
        Crontab("0 * * * *", seconds=True)


@pytest.mark.parametrize(
    ("tz", "complaint"),
    [
        ("Europe/Pariss", "no time zone 'Europe/Pariss'. Did you mean 'Europe/Paris' or"),
        ("europe/athens", r"Did you mean 'Europe/Athens'\?"),
        ("New York", r"Did you mean 'America/New_York'\?"),
        ("../etc/passwd", "no time zone '../etc/passwd'"),
        ("Europe", "no time zone 'Europe'"),
        ("", "no time zone ''"),
        (None, "no time zone None"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_closest_names(tz: Any, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        Crontab("0 0 * * *", tz)


@given(
    st.lists(st.text("0123456789*/,-#?lwrhmonfrijan@ \u0663\u00a0", max_size=8), max_size=7),
    st.booleans(),
)
def test_any_text_is_a_rule_that_fires_or_is_refused(fields: list[str], seconds: bool) -> None:
    try:
        rule = Crontab(" ".join(fields), seconds=seconds)
    except InvalidSchedule:
        return

    moments = [datetime(2026, 1, 1, tzinfo=UTC)]
    for _ in range(3):
        following = rule.next_after(moments[-1])
        assert following is not None
        moments.append(following)
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert str(rule)


def test_spaces_do_not_make_another_rule() -> None:
    assert Crontab(" 0  12 * * * ") == Crontab("0 12 * * *")
