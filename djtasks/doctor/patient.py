"""Whom an examination is about, and how long its steps take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from djtasks.engine import Engine

DEFAULT_ROLE = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
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
