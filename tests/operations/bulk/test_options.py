"""The options of bulk actions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djtasks.errors import InvalidBulkAction
from djtasks.operations.bulk.options import BulkOptions, parse_bulk_options

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)


def test_options_come_as_values_or_as_json_keeps_them() -> None:
    bulk_options = BulkOptions(
        queue="mail", priority=5, run_after=NOON, spread=timedelta(minutes=5)
    )

    as_values = {"queue": "mail", "priority": 5, "run_after": NOON, "spread": timedelta(minutes=5)}
    as_json = {"queue": "mail", "priority": 5, "run_after": NOON.isoformat(), "spread": 300}
    assert (
        parse_bulk_options("retry", as_values)
        == parse_bulk_options("retry", as_json)
        == bulk_options
    )
    assert parse_bulk_options("cancel", {"queue": None}) == BulkOptions()


@pytest.mark.parametrize(
    ("action", "options", "sentence"),
    [
        ("explode", {}, "A bulk action is one of retry, cancel"),
        ("cancel", {"queue": "mail"}, "'cancel' takes no options, got queue"),
        ("retry", {"speed": 1}, "takes priority, queue, run_after, spread, got speed"),
        ("retry", {"priority": 101}, "'priority' of a bulk action must be a whole number"),
        ("retry", {"priority": "high"}, "'priority' of a bulk action must be a whole number"),
        ("retry", {"queue": ""}, "'queue' of a bulk action must be a printable text"),
        ("retry", {"spread": -1}, "'spread' of a bulk action must be a positive"),
        ("retry", {"run_after": "tomorrow"}, "'run_after' of a bulk action must be an aware"),
        ("retry", {"run_after": "2026-13-99T00:00Z"}, "must be an aware datetime"),
        ("reschedule", {"run_after": datetime(2026, 1, 1)}, "must be an aware datetime"),
        ("reschedule", {}, "needs 'run_after'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    action: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidBulkAction, match=sentence):
        parse_bulk_options(action, options)
