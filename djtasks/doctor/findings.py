"""Whom an examination is about, and what it comes to: a line a part, a remedy for what is wrong."""

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
    """One TASKS alias. `role` is whose rights are asked for, `clock` that of this host."""

    engine: Engine
    role: str = DEFAULT_ROLE
    clock: Callable[[], datetime] = timezone.now


@dataclass(slots=True)
class Stopwatch:
    """Measures steps that follow each other, in seconds."""

    _since: float = field(default_factory=time.perf_counter)

    def lap(self) -> float:
        """Return the time since it was made or last asked."""
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        return seconds


def ok(part: str, text: str, *, seconds: float | None = None) -> Finding:
    """Return that a part is well."""
    return Finding(part=part, level=Level.OK, code="ok", text=text, seconds=seconds)


def bad(part: str, code: str, text: str, remedy: str) -> Finding:
    """Return what does not work, and what to do about it."""
    return Finding(part=part, level=Level.BAD, code=code, text=text, advice=remedy)


def warn(part: str, code: str, text: str, remedy: str) -> Finding:
    """Return what works and will hurt, and what to do about it."""
    return Finding(part=part, level=Level.WARN, code=code, text=text, advice=remedy)
