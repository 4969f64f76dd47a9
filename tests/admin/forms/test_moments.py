"""A moment as people write it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.utils import timezone

from djtasks.admin.forms.moments import MomentField

ATHENS = ZoneInfo("Europe/Athens")
NOON = datetime(2026, 10, 20, 12, tzinfo=ATHENS)


def moment_of(text: str) -> datetime | None:
    field = MomentField(required=False)
    field.now = NOON.astimezone(UTC)
    with timezone.override(ATHENS):
        found: datetime | None = field.clean(text)
    return found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("  ", None),
        ("now", NOON),
        ("At once", NOON),
        ("10 min", NOON + timedelta(minutes=10)),
        ("in 1 h 30 min", NOON + timedelta(minutes=90)),
        ("90", NOON + timedelta(seconds=90)),
        ("14:30", NOON.replace(hour=14, minute=30)),
        ("08:00", NOON.replace(day=21, hour=8)),
        ("today 08:00", NOON.replace(hour=8)),
        ("tomorrow  08:00:05", NOON.replace(day=21, hour=8, second=5)),
        ("2026-10-21", NOON.replace(day=21, hour=0)),
        ("2026-10-21 14:30", NOON.replace(day=21, hour=14, minute=30)),
        ("2026-10-21T14:30Z", datetime(2026, 10, 21, 14, 30, tzinfo=UTC)),
        ("2026-10-25 12:00", datetime(2026, 10, 25, 10, tzinfo=UTC)),  # after the clock change
    ],
)
def test_a_moment_is_understood(text: str, moment: datetime | None) -> None:
    assert moment_of(text) == moment


@pytest.mark.parametrize(
    "text", ["soon", "25:00", "tomorrow", "2026-13-01", "9999-12-31", "0001-01-01", "9" * 30, "1 y"]
)
def test_what_is_no_moment_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(forms.ValidationError, match=r"is not a time|too far|too long"):
        moment_of(text)
