"""One task as JSON for scripts, in `list` and `show`, with the names of the admin's export."""

from datetime import timedelta
from typing import Any

from djtasks.inspection import Attempt, TaskFacts
from djtasks.inspection.listing import TaskRow

ARGUMENTS = frozenset({"args", "kwargs", "key", "metadata"})
_STORED = ("backend", "priority", "enqueued_at", "run_after", "last_attempted_at", "finished_at")


def listed(row: TaskRow, *, arguments: bool) -> dict[str, Any]:
    """Return what `list` says about a task; `arguments`: also what is ARGUMENTS."""
    facts = {
        "id": row.id,
        "task": row.path,
        "state": row.phase,
        "queue": row.queue,
        **{name: row.fields[name] for name in _STORED},
        "waited_seconds": _seconds(row.waited),
        "ran_seconds": _seconds(row.ran),
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "worker": row.worker,
        "target": row.fields["target"],
        "error": row.exception,
        "message": row.message,
    }
    return facts | {name: row.fields[name] for name in sorted(ARGUMENTS)} if arguments else facts


def shown(row: TaskRow, facts: TaskFacts) -> dict[str, Any]:
    """Return what `show` says about a task: what `list` does, and the rest."""
    return {
        **listed(row, arguments=True),
        "return_value": facts.return_value,
        "progress": facts.progress,
        "started_at": facts.started_at,
        "expires_at": facts.expires_at,
        "timeout_seconds": _seconds(facts.timeout),
        "crash_count": facts.crash_count,
        "max_crashes": facts.max_crashes,
        "cancel_requested": facts.cancel_requested,
        "tags": facts.tags,
        "parent": facts.parent,
        "schedule": facts.schedule,
        "due_at": facts.due_at,
        "fingerprint": facts.fingerprint,
        "is_known": facts.is_known,
        "attempts": [_attempt(one) for one in facts.attempts],
        "related": [
            {"id": one.id, "task": one.task_path, "state": one.state.name.lower(), "why": one.why}
            for one in facts.related
        ],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "worker": attempt.worker,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "error": attempt.exception,
        "message": attempt.message,
        "traceback": attempt.traceback,
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
