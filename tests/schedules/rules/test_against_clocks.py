"""Cron rules against a reference that walks every minute and looks at the clock on the wall."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.schedules import Crontab

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = sorted(available_timezones())


@dataclass(frozen=True)
class Pattern:
    """A cron expression and, without croniter, what it means."""

    minutes: frozenset[int]
    hours: frozenset[int]

    def shows(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours

    @property
    def expression(self) -> str:
        return f"{listed(self.minutes)} {listed(self.hours)} * * *"

    @property
    def is_elapsed(self) -> bool:
        return len(self.minutes) > 1 or len(self.hours) == 24


def listed(values: frozenset[int]) -> str:
    return ",".join(map(str, sorted(values)))


def wall_of(zone: ZoneInfo, instant: datetime) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def minutes_between(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += MINUTE


def reference(pattern: Pattern, zone: ZoneInfo, after: datetime, until: datetime) -> set[datetime]:
    """Return the due times in (after, until] by looking at the clock each minute."""
    # A day more: a time within the second of two equal hours was due in the first.
    instants = list(minutes_between(after - 2 * DAY, until))
    if pattern.is_elapsed:
        due = {instant for instant in instants if pattern.shows(wall_of(zone, instant))}
    else:
        due = {
            instant
            for wall, instant in first_instants(zone, instants).items()
            if pattern.shows(wall)
        }
    return {instant for instant in due if after < instant}


def first_instants(zone: ZoneInfo, instants: list[datetime]) -> dict[datetime, datetime]:
    """Map what the clock showed, or skipped, to the first instant when it had gone so far."""
    found: dict[datetime, datetime] = {}
    before = wall_of(zone, instants[0])
    for instant in instants[1:]:
        wall = wall_of(zone, instant)
        for passed in minutes_between(before + MINUTE, wall):
            found.setdefault(passed, instant)
        found.setdefault(wall, instant)
        before = wall
    return found


def walked(rule: Crontab, after: datetime, until: datetime) -> list[datetime]:
    due, found = rule.next_after(after), []
    while due is not None and due <= until:
        found.append(due)
        due = rule.next_after(due)
    return found


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """Return the minutes of a year at which the clock was set."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + number * DAY for number in range(367)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    changed = [i for i in range(366) if offsets[i] != offsets[i + 1]]
    return [
        next(
            minute
            for minute in minutes_between(days[i] + MINUTE, days[i + 1])
            if minute.astimezone(zone).utcoffset() != offsets[i]
        )
        for i in changed
    ]


def agree(pattern: Pattern, zone: ZoneInfo, change: datetime) -> None:
    """Compare rule and reference around an instant, by more than the clock is set."""
    offsets = [(change + by).astimezone(zone).utcoffset() for by in (-MINUTE, timedelta(0))]
    reach = timedelta(hours=3) + abs(offsets[1] - offsets[0])  # type: ignore[operator]
    rule = Crontab(pattern.expression, zone.key)

    found = walked(rule, change - reach, change + reach)

    assert found == sorted(reference(pattern, zone, change - reach, change + reach)), (
        f"{pattern.expression} in {zone.key} around {change}"
    )


@given(
    st.sampled_from(ZONES),
    st.integers(2000, 2040),
    st.integers(0, 3),
    st.frozensets(st.integers(0, 59), min_size=1, max_size=4),
    st.one_of(st.just(frozenset(range(24))), st.frozensets(st.integers(0, 23), min_size=1)),
)
def test_a_rule_fires_when_the_clock_on_the_wall_says_so(
    zone_name: str, year: int, index: int, minutes: frozenset[int], hours: frozenset[int]
) -> None:
    zone = ZoneInfo(zone_name)
    found = changes(zone, year) or [datetime(year, 3, 29, 1, tzinfo=UTC)]

    agree(Pattern(minutes, hours), zone, found[index % len(found)])


def different_changes() -> dict[tuple[object, ...], tuple[str, datetime]]:
    """Return each change of a clock, once for all zones that make it at the same instant."""
    found = {}
    for name, year in product(ZONES, range(2000, 2041)):
        zone = ZoneInfo(name)
        for change in changes(zone, year):
            before, after = (change - MINUTE).astimezone(zone), change.astimezone(zone)
            found[change, before.utcoffset(), after.utcoffset()] = (name, change)
    return found


@pytest.mark.thorough
@pytest.mark.slow
def test_rules_agree_with_every_change_of_every_clock() -> None:
    found = different_changes()

    assert len(found) > 1_000
    for name, change in found.values():
        hour = wall_of(ZoneInfo(name), change - MINUTE).hour
        near = frozenset((hour + by) % 24 for by in range(-1, 3))
        for minutes, hours in product(
            [frozenset({0}), frozenset({30}), frozenset({15, 45}), frozenset(range(0, 60, 7))],
            [near, frozenset({(hour + 1) % 24}), frozenset(range(24))],
        ):
            agree(Pattern(minutes, hours), ZoneInfo(name), change)
