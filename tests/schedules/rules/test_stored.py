"""Rules and policies as JSON, also when somebody edited it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djtasks.errors import InvalidSchedule
from djtasks.schedules import (
    CatchUp,
    Coalesce,
    Crontab,
    Every,
    MissedPolicy,
    Once,
    Rule,
    SkipIfOlderThan,
    missed_from,
    rule_from,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        Crontab("*/5 8-18 * * mon-fri", "Europe/Athens"),
        Crontab("*/5 * * * * *", seconds=True),
        Every(timedelta(minutes=5)),
        Every(timedelta(seconds=1.5), NOON),
        Once(NOON),
    ],
    ids=str,
)
def test_a_rule_survives_being_stored(rule: Rule) -> None:
    assert rule_from(json.loads(json.dumps(rule.as_dict()))) == rule


@pytest.mark.parametrize("policy", [Coalesce(), CatchUp(3), SkipIfOlderThan(timedelta(hours=1))])
def test_a_policy_survives_being_stored(policy: MissedPolicy) -> None:
    assert missed_from(json.loads(json.dumps(policy.as_dict()))) == policy


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        ({}, r"\{\} is not a rule. Expected"),
        (None, "None is not a rule"),
        ([], r"\[\] is not a rule"),
        ("cron", "'cron' is not a rule"),
        ({"kind": "moon"}, "is not a rule"),
        ({"kind": "cron"}, "is not a rule"),
        ({"kind": "cron", "expression": 5, "tz": "UTC"}, "is not a rule"),
        ({"kind": "cron", "expression": "* * *", "tz": "UTC"}, "needs 5 fields"),
        ({"kind": "cron", "expression": "* * * * *", "tz": "Moon/Base"}, "no time zone"),
        ({"kind": "interval", "seconds": 0.5}, "from 1 second"),
        ({"kind": "interval", "seconds": "60"}, "must be a timedelta, got '60'"),
        ({"kind": "interval", "seconds": 1e300}, "must be a timedelta, got 1e"),
        ({"kind": "interval", "seconds": 60, "anchor": "noon"}, "'anchor' of a rule must be"),
        ({"kind": "interval", "seconds": 60, "anchor": "2026-05-01"}, "with a time zone"),
        ({"kind": "once", "at": "never"}, "'at' of a rule must be an ISO 8601 datetime"),
        ({"kind": "once", "at": 5}, "'at' of a rule must be an ISO 8601 datetime .* got 5"),
    ],
)
def test_a_row_edited_to_nonsense_is_no_rule(stored: Any, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        rule_from(stored)


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        ({}, "is not a policy for missed runs"),
        (None, "is not a policy for missed runs"),
        ({"policy": "catch_up"}, "is not a policy for missed runs"),
        ({"policy": "catch_up", "limit": 0}, "limit from 1 to 1,000 runs, got 0"),
        ({"policy": "catch_up", "limit": True}, "limit from 1 to 1,000 runs, got True"),
        ({"policy": "catch_up", "limit": "5"}, "limit from 1 to 1,000 runs, got '5'"),
        ({"policy": "skip_if_older_than", "seconds": 0}, "above zero"),
        ({"policy": "skip_if_older_than", "seconds": None}, "above zero .* got None"),
    ],
)
def test_a_row_edited_to_nonsense_is_no_policy(stored: Any, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        missed_from(stored)
