"""Refuse claims that do not fit the code or the keys of this worker.

In a rolling deploy, another worker has the matching code. So such a record is released, any
number of times, and fails only if no worker could run it for an hour. One whose key is missing
never fails: with the key, nothing is wrong with it.
"""

from datetime import UTC, datetime
from typing import Any

from djtasks.definitions import registry
from djtasks.definitions.fitting import misfit
from djtasks.definitions.signatures import OTHER_CODE
from djtasks.definitions.task import Task
from djtasks.errors import MissingKey, UnknownTask, UnreadableArguments
from djtasks.formats.json_values import decode
from djtasks.protocol.outcomes import Unregistered
from djtasks.protocol.records import Claim
from djtasks.worker.attempts.opening import is_plain

NO_KEY = "The task waits for a worker that has the key."


def unregistered(claim: Claim) -> Unregistered:
    """Return the refusal of a claim whose task this worker does not know."""
    return _refused(claim, registry.unknown(claim.task_path))


def signature_mismatch(
    error: BaseException, task: Task[Any, Any], claim: Claim
) -> Unregistered | None:
    """Return the refusal of a call that does not fit the code or the keys of this worker, or None.

    In a deploy that changes a signature, a worker with the other code may run it. Such a call
    never began. Only failed calls are checked, so the others cost nothing more.
    """
    if not is_plain(claim) and isinstance(error, MissingKey | UnreadableArguments):
        return _unopened(claim, error)
    if not isinstance(error, TypeError | UnreadableArguments):
        return None
    args, kwargs = decode(claim.args), decode(claim.kwargs)
    reason = misfit(claim.task_path, task, args, kwargs)
    return _refused(claim, UnknownTask(f"{reason} {OTHER_CODE}")) if reason is not None else None


def _unopened(claim: Claim, error: Exception) -> Unregistered:
    """Return the refusal of a call with encrypted arguments; it does not tell their values."""
    if isinstance(error, MissingKey):
        return _refused(claim, MissingKey(f"{error} {NO_KEY}"))
    reason = f"The arguments of {claim.task_path!r} do not fit the annotations of this code."
    return _refused(claim, UnknownTask(f"{reason} {OTHER_CODE}"))


def _refused(claim: Claim, error: UnknownTask | MissingKey) -> Unregistered:
    first = _first_refusal(claim, type(error))
    return Unregistered(error, datetime.now(UTC) - first if first else None)


def _first_refusal(claim: Claim, kind: type[Exception]) -> datetime | None:
    """Return when a worker first refused this record for this reason since its last attempt."""
    path = f"{kind.__module__}.{kind.__qualname__}"
    entries = decode(claim.errors) if claim.errors else []
    if entries and entries[-1]["class"] == path:
        return datetime.fromisoformat(entries[-1]["at"])
    return None
