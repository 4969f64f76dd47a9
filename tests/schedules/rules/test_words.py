"""Rules in plain words."""

from datetime import UTC, datetime, timedelta

import pytest

from djtasks.schedules import CatchUp, Coalesce, Crontab, Every, Once, SkipIfOlderThan
from djtasks.schedules.rules.base import Rule, duration_in_words
from djtasks.schedules.rules.cronwords import cron_in_words

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("*/5 8-18 * * mon-fri", "Weekdays every 5 minutes from 08:00 to 18:59"),
        ("30 2 * * *", "Daily at 02:30"),
        ("@daily", "Daily at 00:00"),
        ("0,30 9,17 * * *", "Daily at 09:00, 09:30, 17:00 and 17:30"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("* 9 * * *", "Every minute from 09:00 to 09:59"),
        ("*/10 8,12 * * *", "Every 10 minutes from 08:00 to 08:59 and from 12:00 to 12:59"),
        ("3,41 * * * *", "At minutes 3 and 41 of each hour"),
        ("@hourly", "Every hour"),
        ("5 * * * *", "Every hour at minute 5"),
        ("5 */2 * * *", "Every 2 hours at minute 5"),
        ("0 */6 * * *", "Daily at 00:00, 06:00, 12:00 and 18:00"),
        ("5 8-18 * * *", "Every hour from 08:05 to 18:05"),
        ("0 9 * * mon", "Mondays at 09:00"),
        ("0 9 * * 0,2,4", "Tuesdays, Thursdays and Sundays at 09:00"),
        ("0 9 * * sat,sun", "Saturdays and Sundays at 09:00"),
        ("0 9 * 1,7 mon-fri", "Weekdays in January and July at 09:00"),
        ("*/5 * * 2 *", "In February every 5 minutes"),
        ("0 0 1 * *", "On day 1 of the month at 00:00"),
        ("0 0 1,15 * *", "On days 1 and 15 of the month at 00:00"),
        ("0 0 15,L * *", "On day 15 and the last day of the month at 00:00"),
        ("0 0 29 2 *", "On day 29 of February at 00:00"),
        ("0 0 1,15 * mon", "On days 1 and 15 of the month or Mondays at 00:00"),
        ("0 9 * * fri#2", "On the second Friday of the month at 09:00"),
        ("0 9 * 3 L5", "On the last Friday of March at 09:00"),
        ("0 9 15W * *", "On the weekday nearest to day 15 of the month at 09:00"),
        ("* */3 * * *", "Every minute in the hours 0, 3, 6, 9, 12, 15, 18 and 21"),
        ("*/5 1,3,5,7 * * *", "Every 5 minutes in the hours 1, 3, 5 and 7"),
        # A star within a list is a star.
        ("*,5 * * * *", "Every minute"),
        ("0 *,3 * * *", "Every hour"),
        ("0 0 *,15 * *", "Daily at 00:00"),
        ("0 0 1 3,* *", "On day 1 of the month at 00:00"),
        ("0 0 * * mon,*", "Daily at 00:00"),
        ("0 0 */2,* */1,3 1,*", "Daily at 00:00"),
    ],
)
def test_a_cron_expression_reads_as_a_sentence(expression: str, words: str) -> None:
    assert str(Crontab(expression, "Europe/Athens")) == f"{words}, Europe/Athens"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("*/10 * * * * *", "Every 10 seconds"),
        ("* * 3 * * *", "Every second from 03:00 to 03:59"),
        ("15 30 2 * * *", "Daily at 02:30:15"),
        ("0 */5 * * * *", "Every 5 minutes"),
    ],
)
def test_seconds_are_said(expression: str, words: str) -> None:
    assert str(Crontab(expression, seconds=True)) == f"{words}, UTC"


@pytest.mark.parametrize(
    "expression",
    [
        "*/7 * * * *",  # not every 7 minutes: after :56 comes :00
        "0 */5 * * *",  # not every 5 hours: after 20:00 comes 00:00
        "2-59/5 * * * *",
        "0 0 1 3 mon",  # the Mondays of March only, too
        "0 1,3,4,9,11,20 * * *",
    ],
)
def test_where_words_would_lie_the_expression_is_quoted(expression: str) -> None:
    words = str(Crontab(expression, "Europe/Athens"))

    assert words == f"At the times of the cron expression {expression!r}, Europe/Athens"


def test_words_that_fail_quote_the_expression() -> None:
    words = cron_in_words(None, "0 0 1 * *")

    assert words == "At the times of the cron expression '0 0 1 * *'"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Every(timedelta(minutes=1)), "Every minute"),
        (Every(timedelta(minutes=5)), "Every 5 minutes"),
        (Every(timedelta(minutes=90)), "Every 1 hour 30 minutes"),
        (Every(timedelta(days=1000), NOON), "Every 1,000 days, counted from 2026-05-01 12:00 UTC"),
        (Once(NOON), "Once, on 2026-05-01 12:00 UTC"),
        (Once(NOON.replace(second=5)), "Once, on 2026-05-01 12:00:05 UTC"),
        (Coalesce(), "one run for all that were missed"),
        (CatchUp(1_000), "each missed run, at most the newest 1,000"),
        (SkipIfOlderThan(timedelta(hours=1)), "the newest missed run, unless it is 1 hour late"),
    ],
)
def test_rules_and_policies_say_what_they_do(value: object, words: str) -> None:
    assert str(value) == words


def in_signs(words: str, /, **values: object) -> str:
    """Say nothing but the values, as another language might."""
    return " ".join(str(value) for value in values.values())


@pytest.mark.parametrize(
    "rule",
    [
        Crontab("*/5 8-18 * * mon-fri"),
        Crontab("30 2 * * *"),
        Crontab("3,41 * * * *"),
        Crontab("5 */2 * * *"),
        Crontab("5 8-18 * * *"),
        Crontab("0 9 * * 0,2,4"),
        Crontab("0 9 * 1,7 sat,sun"),
        Crontab("0 0 15,L * *"),
        Crontab("0 0 1,15 * mon"),
        Crontab("0 9 * 3 L5"),
        Crontab("0 9 15W * *"),
        Crontab("* * 3 * * *", seconds=True),
        Crontab("* */3 * * *"),
        Every(timedelta(minutes=1)),
        Every(timedelta(days=1, seconds=1.5), NOON),
        Once(NOON),
        Coalesce(),
        CatchUp(3),
        SkipIfOlderThan(timedelta(hours=1)),
    ],
    ids=str,
)
def test_every_word_may_be_said_in_another_language(rule: Rule) -> None:
    said = rule.in_words(in_signs).replace("UTC", "")

    assert not any(letter.isalpha() for letter in said), said


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1.5), "1 second 500,000 microseconds"),
        (timedelta(days=2, hours=1, seconds=1), "2 days 1 hour 1 second"),
    ],
)
def test_nothing_of_a_span_is_rounded_away(span: timedelta, words: str) -> None:
    assert duration_in_words(span) == words
