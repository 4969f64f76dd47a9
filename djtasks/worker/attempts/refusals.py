"""Refuse claims that do not fit the code of this worker.

In a rolling deploy, another worker has the matching code. So such a record is released, any
number of times, and fails only if no worker could run it for an hour.
"""

from datetime import UTC, datetime
from typing import Any

from djtasks.definitions import registry
from djtasks.definitions.fitting import misfit
from djtasks.definitions.signatures import OTHER_CODE
from djtasks.definitions.task import Task
from djtasks.errors import UnknownTask, UnreadableArguments
from djtasks.formats.json_values import decode
from djtasks.protocol.outcomes import Unregistered
from djtasks.protocol.records import Claim, decode_call


def unregistered(claim: Claim) -> Unregistered:
    """Return the refusal of a claim whose task this worker does not know."""
    return _refused(claim, registry.unknown(claim.task_path))


def signature_mismatch(
    error: BaseException, task: Task[Any, Any], claim: Claim
) -> Unregistered | None:
    """Return the refusal of a call that does not fit the code of this worker, or None.

    In a deploy that changes a signature, a worker with the other code may run it. Such a call
    never began. Only failed calls are checked, so the others cost nothing more.
    """
    if not isinstance(error, TypeError | UnreadableArguments):
        return None
    args, kwargs = decode_call(claim)
    reason = misfit(claim.task_path, task, args, kwargs)
    return _refused(claim, UnknownTask(f"{reason} {OTHER_CODE}")) if reason is not None else None


def _refused(claim: Claim, error: UnknownTask) -> Unregistered:
    first = _first_refusal(claim)
    return Unregistered(error, datetime.now(UTC) - first if first else None)


def _first_refusal(claim: Claim) -> datetime | None:
    """Return when a worker first refused this record since its last attempt."""
    path = f"{UnknownTask.__module__}.{UnknownTask.__qualname__}"
    entries = decode(claim.errors) if claim.errors else []
    if entries and entries[-1]["class"] == path:
        return datetime.fromisoformat(entries[-1]["at"])
    return None
