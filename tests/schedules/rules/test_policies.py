"""What becomes of missed runs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.schedules import (
    CatchUp,
    Coalesce,
    Crontab,
    Every,
    MissedPolicy,
    Once,
    Plan,
    Rule,
    SkipIfOlderThan,
    due_times,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOURLY = Every(timedelta(hours=1))


def at(hour: int, minute: int = 0) -> datetime:
    return NOON.replace(hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("policy", "now", "fire"),
    [
        (Coalesce(), at(12), [at(12)]),
        (Coalesce(), at(15, 20), [at(12)]),
        (CatchUp(10), at(12), [at(12)]),
        (CatchUp(10), at(15, 20), [at(12), at(13), at(14), at(15)]),
        (CatchUp(2), at(15, 20), [at(14), at(15)]),
        (CatchUp(1), at(15), [at(15)]),
        (SkipIfOlderThan(timedelta(minutes=30)), at(12), [at(12)]),
        (SkipIfOlderThan(timedelta(minutes=30)), at(15, 20), [at(15)]),
        (SkipIfOlderThan(timedelta(minutes=20)), at(15, 20), []),
    ],
)
def test_missed_runs_are_treated_as_the_policy_says(
    policy: MissedPolicy, now: datetime, fire: list[datetime]
) -> None:
    plan = due_times(HOURLY, policy, NOON, now)

    assert plan == Plan(tuple(fire), now.replace(minute=0) + timedelta(hours=1))


@pytest.mark.parametrize("policy", [Coalesce(), CatchUp(5), SkipIfOlderThan(timedelta(hours=1))])
def test_once_fires_late_and_never_again(policy: MissedPolicy) -> None:
    plan = due_times(Once(NOON), policy, NOON, NOON + timedelta(minutes=1))

    assert plan == Plan((NOON,), None)


@given(
    st.sampled_from(
        [
            Every(timedelta(seconds=7)),
            Every(timedelta(days=1), NOON),
            Crontab("*/7 3 * * *", "Europe/Paris"),
            Crontab("0 0 1 * *"),
            Crontab("*/20 0 1 1,2 *"),
        ]
    ),
    st.integers(1, 40),
    st.timedeltas(timedelta(0), timedelta(days=700)),
)
def test_catching_up_takes_the_newest_due_times(rule: Any, limit: int, late: timedelta) -> None:
    seen = rule.next_after(NOON)
    now = min(seen + late, seen + 300 * (rule.next_after(seen) - seen))
    every = [seen]
    while every[-1] <= now:
        every.append(rule.next_after(every[-1]))

    plan = due_times(rule, CatchUp(limit), seen, now)

    assert plan == Plan(tuple(every[:-1][-limit:]), every[-1])


@dataclass
class Counted:
    """A rule that counts how often it is asked."""

    rule: Rule
    asked: int = 0
    kind = "counted"

    def next_after(self, moment: datetime) -> datetime | None:
        self.asked += 1
        return self.rule.next_after(moment)

    def as_dict(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    "rule",
    [
        Every(timedelta(seconds=1)),
        Crontab("* * * * * *", seconds=True),
        Crontab("* * 3 1 1 *", seconds=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("policy", [Coalesce(), CatchUp(5), SkipIfOlderThan(timedelta(hours=1))])
def test_years_of_missed_seconds_are_not_walked(policy: MissedPolicy, rule: Rule) -> None:
    counted = Counted(rule)
    seen = rule.next_after(NOON)
    assert seen is not None

    plan = due_times(counted, policy, seen, NOON + timedelta(days=5_000))

    assert counted.asked < 10_100
    assert plan.next_run_at is not None
    assert plan.next_run_at > NOON + timedelta(days=5_000)
