"""The attempts of a record, from its errors and its row."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from djtasks.errors import TaskTimeout, WorkerLost
from djtasks.formats.foreign import objects_in, texts_in
from djtasks.formats.placeholders import HIDDEN
from djtasks.formats.tracebacks import Frame, class_path, frames_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

_TIMED_OUT = class_path(TaskTimeout())
_LOST = class_path(WorkerLost())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution, or why there was none.

    `number` counts from 1; None for what spent no attempt, such as a lost worker. `outcome`:
    running, successful, failed, timed_out, cancelled, expired or lost. Only the last ten
    failures of a record are kept; a success that followed them is the last entry.
    """

    number: int | None
    outcome: str
    worker: str
    started_at: datetime | None
    ended_at: datetime | None
    exception: str = ""
    message: str = ""
    traceback: str = ""
    frames: list[Frame]

    @property
    def ran(self) -> timedelta | None:
        """Return how long it took, or None if that is unknown."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(self.ended_at - self.started_at, timedelta(0))


def attempts_of(row: TaskRecord, now: datetime) -> list[Attempt]:
    """Return the attempts that the row still holds, oldest first."""
    entries = objects_in(row.errors)
    ended_well = row.state == State.SUCCESSFUL
    running = row.state == State.RUNNING
    spent = sum(entry.get("class") != _LOST for entry in entries)
    number = row.attempt - spent - ended_well
    found = []
    for entry in entries:
        if entry.get("class") != _LOST:
            number += 1
        found.append(_failed(entry, number))
    if ended_well or running:
        found.append(_last(row, "running" if running else "successful", now))
    return found


def without_messages(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return attempts as somebody sees them who may not see messages and tracebacks."""
    return [
        replace(one, message=HIDDEN if one.message else "", traceback="", frames=[])
        for one in attempts
    ]


def _last(row: TaskRecord, outcome: str, now: datetime) -> Attempt:
    workers = texts_in(row.worker_ids) or [""]
    return Attempt(
        number=row.attempt + (outcome == "running"),
        outcome=outcome,
        worker=str(row.worker or workers[-1]),
        started_at=row.last_attempted_at,
        ended_at=row.finished_at if outcome == "successful" else now,
        frames=[],
    )


def _failed(entry: dict[str, Any], number: int) -> Attempt:
    kind, text = str(entry.get("class", "")), str(entry.get("traceback", ""))
    is_lost = kind == _LOST
    return Attempt(
        number=None if is_lost or number < 1 else number,
        outcome=_outcome(kind),
        worker=str(entry.get("worker", "")),
        started_at=_moment(entry.get("started_at")),
        ended_at=_moment(entry.get("at")),
        exception=kind,
        message=str(entry.get("message", "")),
        traceback=text,
        frames=frames_of(text),
    )


def _outcome(kind: str) -> str:
    known = {
        _TIMED_OUT: "timed_out",
        _LOST: "lost",
        "djtasks.errors.TaskCancelled": "cancelled",
        "djtasks.errors.Cancel": "cancelled",
        "djtasks.errors.TaskExpired": "expired",
    }
    return known.get(kind, "failed")


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None
