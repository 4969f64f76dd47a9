"""Whether a process makes progress. Being there is not enough, having nothing to do is.

`judge` decides, from nothing but what it is given; the rest gathers that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# Longer than the watchdog's minute: it replaces what stands still, and its neighbours go on.
# What still stands after that is the watchdog's own process.
STANDSTILL_SECONDS = 65.0
CHECK_SECONDS = 2.0
# A look that comes later than this says that the looker itself was stopped.
_LATE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a process shows of itself.

    `standstill`: for how many seconds each of its parts has not moved. `silent`: seconds since
    the database last answered it, `lease` how many of them are borne. `workers`: its children
    that run tasks, None for a process that has none.
    """

    standstill: Mapping[str, float]
    silent: float
    lease: float
    workers: int | None = None
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`is_live`: nothing in it stands still, so that a restart would help. `is_ready`: it does its
    work. `reasons`: why it is not both, whole sentences."""

    is_live: bool
    is_ready: bool
    reasons: Sequence[str] = field(default_factory=tuple)


def judge(signs: Signs) -> Health:
    """Return how a process is that shows these signs.

    A database that is away makes it unready and never dead: a restart would not bring it back.
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
    """For how long counters have not moved, as seen by somebody who looks every few seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}
        self._checked_at: float | None = None

    def check(self, counters: Mapping[str, int], now: float) -> dict[str, float]:
        """Return the seconds since each counter was first seen where it is."""
        if self._checked_at is not None and now - self._checked_at > _LATE_SECONDS:
            # Nobody looked, perhaps because this whole process was stopped: begin anew.
            self._seen.clear()
        self._checked_at = now
        before = self._seen
        self._seen = {
            name: before[name] if name in before and before[name][0] == value else (value, now)
            for name, value in counters.items()
        }
        return {name: now - since for name, (_value, since) in self._seen.items()}


class Witness(Protocol):
    """Whoever can tell how a process is."""

    def signs(self, now: float) -> Signs: ...


class Monitor:
    """Looks every few seconds, and keeps what it saw for whoever asks.

    What it says grows old: one who has not looked lately is no proof of life.
    """

    def __init__(self, witness: Witness, clock: Callable[[], float]) -> None:
        self._witness = witness
        self._clock = clock
        self._seen = (clock(), STARTING)

    def check(self) -> Health:
        """Look now."""
        now = self._clock()
        self._seen = (now, judge(self._witness.signs(now)))
        return self._seen[1]

    @property
    def latest(self) -> Health:
        """What was seen last, or that nobody has looked for too long."""
        at, health = self._seen
        age = self._clock() - at
        if age <= _LATE_SECONDS:
            return health
        return Health(
            is_live=False, is_ready=False, reasons=(f"Nobody has looked for {age:.0f} s.",)
        )
