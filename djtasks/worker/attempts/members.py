"""Members of workflows: what their attempts need besides a claim."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from asgiref.sync import sync_to_async
from msgspec.structs import replace

from djtasks.context import Context
from djtasks.formats.json_values import decode
from djtasks.protocol.records import Claim
from djtasks.store import Store
from djtasks.worker.attempts.calling import call_function, is_coroutine
from djtasks.worker.attempts.opening import is_plain, opened_claim
from djtasks.workflows.growing import GrowingWorkflow
from djtasks.workflows.home import Member, home_of

if TYPE_CHECKING:
    from djtasks.worker.attempts.running import Running

_encode = msgspec.json.Encoder().encode


def call_with_inputs(running: "Running", context: Context) -> Any:
    """Call a task some of whose arguments are results of other nodes.

    Raises InvalidWorkflow if one of them is gone or too large. For a coroutine, they are read in a
    thread, not on the loop.
    """
    if is_coroutine(running.task.func):
        return _call_coroutine(running, context)
    return call_function(running.task, _whole(running), context)


async def _call_coroutine(running: "Running", context: Context) -> Any:
    claim = await sync_to_async(_whole)(running)
    return await call_function(running.task, claim, context)


def _whole(running: "Running") -> Claim:
    """Return the claim with all arguments; the attempt keeps it unless some are encrypted."""
    claim = with_inputs(opened_claim(running.claim, running.store), running.store)
    if is_plain(running.claim):
        running.claim = claim
    return claim


def with_inputs(claim: Claim, store: Store) -> Claim:
    """Return the claim with the results of other nodes among its arguments.

    Raises InvalidWorkflow if one of them is gone or too large.
    """
    if claim.inputs is None or claim.workflow is None:
        return claim
    args: list[Any] = decode(claim.args)
    kwargs: dict[str, Any] = decode(claim.kwargs)
    for name, text in store.read_results(claim.workflow, decode(claim.inputs)).items():
        value = msgspec.Raw(text)
        if name.isdecimal():
            args[int(name)] = value
        else:
            kwargs[name] = value
    return replace(claim, args=_encode(args).decode(), kwargs=_encode(kwargs).decode())


def workflow_of(claim: Claim, backend: str, worker: UUID) -> GrowingWorkflow | None:
    """Return the workflow of a claim, to which its task may add nodes; None outside of one."""
    if claim.workflow is None:
        return None
    member = Member(workflow=claim.workflow, record=claim.id, fence=claim.fence, worker=worker)
    return GrowingWorkflow(home_of(backend), member)
