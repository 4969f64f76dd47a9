"""Decide whether a process makes progress. An idle process does; a stuck one does not.

`judge` is a pure function of its arguments; the rest gathers them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# Longer than the watchdog's minute: the watchdog replaces a stuck child while the others go on.
# What is stuck for longer is the watchdog's own process.
STANDSTILL_SECONDS = 65.0
CHECK_SECONDS = 2.0
# If a check comes later than this, the checking process itself was stopped.
_LATE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs of life of a process.

    `standstill`: for how many seconds each of its parts has not moved. `silent`: seconds since
    the database last answered. `lease`: how many such seconds are tolerated. `workers`: the
    number of children that run tasks; None for a process that never has any.
    """

    standstill: Mapping[str, float]
    silent: float
    lease: float
    workers: int | None = None
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of a process.

    `is_live`: no part of it is stuck, so a restart is not needed. `is_ready`: it does its work.
    `reasons`: why it is not both, in whole sentences.
    """

    is_live: bool
    is_ready: bool
    reasons: Sequence[str] = field(default_factory=tuple)


def judge(signs: Signs) -> Health:
    """Return the health of a process with these signs.

    A database that does not answer makes it unready, but never dead: a restart would not help.
    """
    stuck = [
        f"{part} has not moved for {seconds:.0f} s."
        for part, seconds in signs.standstill.items()
        if seconds > STANDSTILL_SECONDS
    ]
    away = []
    if signs.silent > signs.lease:
        away.append(f"The database has not answered for {signs.silent:.0f} s.")
    if signs.workers == 0:
        away.append("No child process runs tasks.")
    if signs.is_stopping:
        away.append("It is stopping.")
    return Health(is_live=not stuck, is_ready=not stuck and not away, reasons=tuple(stuck + away))


STARTING = Health(is_live=True, is_ready=False, reasons=("It is starting.",))


class Standstills:
    """Tracks for how long counters have not moved; call `check` every few seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}
        self._checked_at: float | None = None

    def check(self, counters: Mapping[str, int], now: float) -> dict[str, float]:
        """Return the seconds since each counter was first seen with its current value."""
        if self._checked_at is not None and now - self._checked_at > _LATE_SECONDS:
            # The last check is too old, perhaps because this process was stopped: start again.
            self._seen.clear()
        self._checked_at = now
        before = self._seen
        self._seen = {
            name: before[name] if name in before and before[name][0] == value else (value, now)
            for name, value in counters.items()
        }
        return {name: now - since for name, (_value, since) in self._seen.items()}


class Witness(Protocol):
    """Reports the signs of life of a process."""

    def signs(self, now: float) -> Signs: ...


class Monitor:
    """Checks a process every few seconds, and keeps the result for probes.

    An old result is not trusted: if the last check is too old, the process counts as not live.
    """

    def __init__(self, witness: Witness, clock: Callable[[], float]) -> None:
        self._witness = witness
        self._clock = clock
        self._seen = (clock(), STARTING)

    def check(self) -> Health:
        """Check now and return the result."""
        now = self._clock()
        self._seen = (now, judge(self._witness.signs(now)))
        return self._seen[1]

    @property
    def latest(self) -> Health:
        """The result of the last check, or "not live" if that is too old."""
        at, health = self._seen
        age = self._clock() - at
        if age <= _LATE_SECONDS:
            return health
        return Health(
            is_live=False, is_ready=False, reasons=(f"The last check was {age:.0f} s ago.",)
        )
