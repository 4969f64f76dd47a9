"""The subject of an examination, and functions that make its findings."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from djtasks.engine import Engine
from djtasks.inspection.diagnosis.findings import Finding, Level

__all__ = [
    "DEFAULT_ROLE",
    "Examination",
    "Finding",
    "Level",
    "Stopwatch",
    "bad",
    "ok",
    "warn",
]

DEFAULT_ROLE = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One TASKS alias. `role` is the one whose rights are checked, `clock` that of this host."""

    engine: Engine
    role: str = DEFAULT_ROLE
    clock: Callable[[], datetime] = timezone.now


@dataclass(slots=True)
class Stopwatch:
    """Measure consecutive steps, in seconds."""

    _since: float = field(default_factory=time.perf_counter)

    def lap(self) -> float:
        """Return the seconds since it was created or last asked."""
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        return seconds


def ok(part: str, text: str, *, seconds: float | None = None) -> Finding:
    """Return a finding that a part works."""
    return Finding(part=part, level=Level.OK, code="ok", text=text, seconds=seconds)


def bad(part: str, code: str, text: str, remedy: str) -> Finding:
    """Return a finding about something that does not work, with its remedy."""
    return Finding(part=part, level=Level.BAD, code=code, text=text, advice=remedy)


def warn(part: str, code: str, text: str, remedy: str) -> Finding:
    """Return a finding about something that works but will cause trouble, with its remedy."""
    return Finding(part=part, level=Level.WARN, code=code, text=text, advice=remedy)
