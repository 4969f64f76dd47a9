"""Spans of time as people write them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from djtasks.admin.forms.durations import HumanDurationField


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90", timedelta(seconds=90)),
        ("1.5", timedelta(seconds=1.5)),
        ("5 minutes", timedelta(minutes=5)),
        ("5m", timedelta(minutes=5)),
        (" 1 h 30 min ", timedelta(minutes=90)),
        ("1 Hour, 30 Minutes", timedelta(minutes=90)),
        ("2 days", timedelta(days=2)),
        ("1 week", timedelta(weeks=1)),
        ("", None),
        (None, None),
    ],
)
def test_a_span_is_read_as_it_is_written(text: str | None, span: timedelta | None) -> None:
    assert HumanDurationField(required=False).clean(text) == span


@pytest.mark.parametrize(
    "text", ["soon", "-5", "5 months", "5 minutesx", "1e9", "minutes", "5 5 5 x", "٣", "1.2.3"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a duration"):
        HumanDurationField().clean(text)


def test_a_span_nobody_waits_for_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"too long\. The maximum is 36,?500 days"):
        HumanDurationField().clean("99999999 days")


@pytest.mark.parametrize(
    "span",
    [timedelta(minutes=90), timedelta(days=3, seconds=1), timedelta(seconds=1.5), timedelta(0)],
)
def test_what_the_field_shows_it_takes_again(span: timedelta) -> None:
    field = HumanDurationField()

    assert field.clean(field.prepare_value(span)) == span
