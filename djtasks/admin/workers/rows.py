"""A worker as a row of a table: its state, its slots, what it runs and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from djtasks.admin.queues.rows import Standing
from djtasks.engine import Engine
from djtasks.formats.foreign import running_in
from djtasks.inspection import WorkerFacts
from djtasks.inspection.diagnosis.facts import is_silent
from djtasks.inspection.tasks import time_limits_of

MOST_TASKS = 3
MOST_SLOTS = 64
SLOTS_A_LINE = 16
LATE_HEARTBEATS = 2  # a heartbeat may be missed once without a word
NEAR_TIMEOUT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """One running task; `share` is the used part of its time limit, None without one."""

    id: str
    path: str
    elapsed: timedelta
    timeout: timedelta | None

    @property
    def share(self) -> float | None:
        """Return the share of its time limit that is used up."""
        return self.elapsed / self.timeout if self.timeout else None

    @property
    def is_near_timeout(self) -> bool:
        """Return whether the task is near its time limit."""
        return self.share is not None and self.share >= NEAR_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One square among the slots: its place and its state."""

    x: str
    y: str
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """One worker. `current` holds the tasks that run longest; `more` counts the others."""

    facts: WorkerFacts
    standing: Standing
    current: list[Current]
    more: int
    slots: list[Slot]
    is_other_version: bool

    @property
    def slots_width(self) -> int:
        """Return the width of the squares."""
        return 12 * min(len(self.slots), SLOTS_A_LINE)

    @property
    def slots_height(self) -> int:
        """Return the height of the squares."""
        return 12 * max(-(-len(self.slots) // SLOTS_A_LINE), 1)


def worker_rows(engine: Engine, workers: Sequence[WorkerFacts], now: datetime) -> list[WorkerRow]:
    """Return the rows of workers, in the order they came."""
    running = [task["id"] for worker in workers for task in running_in(worker.tasks)]
    limits = time_limits_of(engine, running)
    newest = max(workers, key=lambda worker: worker.started_at).version if workers else ""
    return [_row(engine, facts, limits, newest=newest, now=now) for facts in workers]


def _row(
    engine: Engine,
    facts: WorkerFacts,
    limits: dict[UUID, timedelta],
    *,
    newest: str,
    now: datetime,
) -> WorkerRow:
    running = sorted(
        (_current(task, limits, now) for task in running_in(facts.tasks)),
        key=lambda task: task.elapsed,
        reverse=True,
    )
    return WorkerRow(
        facts=facts,
        standing=standing_of(facts, engine),
        current=running[:MOST_TASKS],
        more=max(len(running) - MOST_TASKS, 0),
        slots=_slots(facts.slots, running),
        is_other_version=facts.version != newest,
    )


def standing_of(facts: WorkerFacts, engine: Engine) -> Standing:
    """Return the most important state of a worker, as a badge."""
    if is_silent(facts, engine.options.lease):
        return Standing(css="failed", symbol="failed", word=_("Silent"))
    if facts.silent > engine.options.heartbeat * LATE_HEARTBEATS:
        return Standing(css="warn", symbol="warn", word=_("Late"))
    if facts.draining:
        return Standing(css="warn", symbol="drain", word=_("Draining"))
    if facts.alone:
        return Standing(css="wait", symbol="info", word=_("Isolating"))
    return Standing(css="ok", symbol="ok", word=_("Live"))


def _current(task: dict[str, Any], limits: dict[UUID, timedelta], now: datetime) -> Current:
    elapsed = timedelta(seconds=max(now.timestamp() - float(task["started_at"]), 0))
    timeout = limits.get(UUID(task["id"]))
    return Current(id=task["id"], path=task["path"], elapsed=elapsed, timeout=timeout)


def _slots(count: int, running: Sequence[Current]) -> list[Slot]:
    """Return the squares that fit, those near their time limit first."""
    classes = sorted("long" if task.is_near_timeout else "busy" for task in running)[::-1]
    classes += [""] * max(count - len(classes), 0)
    places = (divmod(place, SLOTS_A_LINE) for place in range(MOST_SLOTS))
    return [
        Slot(x=f"{12 * column + 0.5:.1f}", y=f"{12 * line + 0.5:.1f}", css=css)
        for (line, column), css in zip(places, classes, strict=False)
    ]
