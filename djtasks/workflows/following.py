"""A workflow that is enqueued: read its state and results, wait for it, and change its course."""

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks.errors import InvalidWorkflow, WorkflowDoesNotExist
from djtasks.protocol.workflows import WORKFLOWS_OVER, WorkflowState
from djtasks.waiting import pauses, refuse_slot, refuse_transaction
from djtasks.workflows.home import NodeFailure, WorkflowHome, WorkflowSnapshot
from djtasks.workflows.nodes import MapNode, Node

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")


class EnqueuedWorkflow:
    """What `Workflow` is once its rows exist.

    Its attributes are those of its row when that was last read; see refresh().
    """

    def __init__(self, home: WorkflowHome, id_: UUID, snapshot: WorkflowSnapshot | None) -> None:
        self._home = home
        self._id = id_
        self._snapshot = snapshot

    @property
    def id(self) -> UUID:
        """The id; known before the rows exist."""
        return self._id

    @property
    def state(self) -> WorkflowState:
        """The state when its row was last read; see refresh().

        Raises InvalidWorkflow inside the block, where no row exists.
        """
        return self._read().state

    @property
    def is_finished(self) -> bool:
        """Whether it is over, successfully or not."""
        return self.state in WORKFLOWS_OVER

    @property
    def is_paused(self) -> bool:
        """Whether it was paused when its row was last read."""
        return self._read().is_paused

    def refresh(self) -> None:
        """Read the row again. Raises WorkflowDoesNotExist if there is none any more."""
        self._require_stored()
        snapshot = self._home.find(self._id)
        if snapshot is None:
            raise unknown(self._id)
        self._snapshot = snapshot

    async def arefresh(self) -> None:
        """See refresh()."""
        await sync_to_async(self.refresh)()

    def wait(self, timeout: timedelta | float | None = None) -> "Self":
        """Return this workflow once it is over; raise ResultTimeout after `timeout` seconds.

        None waits for ever. Raises WouldWaitForever where it could never return: see
        TaskResult.wait().
        """
        for pause in pauses(timeout, self._what):
            if self._is_over_now():
                break
            refuse_transaction(self._id, self._read().database, self._what)
            if timeout is None:
                refuse_slot(self._what)
            time.sleep(pause)
        return self

    async def wait_async(self, timeout: timedelta | float | None = None) -> "Self":
        """See wait(); for coroutines."""
        for pause in pauses(timeout, self._what):
            if await sync_to_async(self._is_over_now)():
                break
            database = self._read().database
            await sync_to_async(refuse_transaction)(self._id, database, self._what)
            await asyncio.sleep(pause)
        return self

    @overload
    def result(self, node: Node[T]) -> T: ...
    @overload
    def result(self, node: str) -> Any: ...

    def result(self, node: Any) -> Any:
        """Return what a node's task returned. `node` is the node or its name.

        Raises InvalidWorkflow if there is no such node, and ValueError if it has not succeeded.
        """
        self._require_stored()
        for value in self._home.values(self._id, name_of(node)):
            return value
        raise ValueError(f"Node {name_of(node)!r} of workflow {self._id} has no result.")

    async def aresult(self, node: Any) -> Any:
        """See result()."""
        return await sync_to_async(self.result)(node)

    @overload
    def results(self, node: MapNode[T]) -> list[T]: ...
    @overload
    def results(self, node: str) -> list[Any]: ...

    def results(self, node: Any) -> list[Any]:
        """Return what the members of a map returned, in order, without those that failed.

        Raises InvalidWorkflow if there is no such node.
        """
        self._require_stored()
        return list(self._home.values(self._id, name_of(node)))

    async def aresults(self, node: Any) -> list[Any]:
        """See results()."""
        return await sync_to_async(self.results)(node)

    def failures(self) -> list[NodeFailure]:
        """Return what failed: the node, the member, the exception and its message."""
        self._require_stored()
        return list(self._home.failures(self._id))

    async def afailures(self) -> list[NodeFailure]:
        """See failures()."""
        return await sync_to_async(self.failures)()

    def cancel(self) -> bool:
        """Cancel it: what waits never runs, what runs is told. Return False if it is over."""
        self._require_stored()
        return self._home.cancel(self._id)

    async def acancel(self) -> bool:
        """See cancel()."""
        return await sync_to_async(self.cancel)()

    def retry(self) -> int:
        """Run again what failed and what was skipped; return how many tasks go back.

        What succeeded or runs stays. Raises InvalidWorkflow, and changes nothing, if another live
        task or workflow holds one of the unique keys.
        """
        self._require_stored()
        return self._home.retry(self._id)

    async def aretry(self) -> int:
        """See retry()."""
        return await sync_to_async(self.retry)()

    def pause(self) -> bool:
        """Start nothing more until resume(); what is ready or runs goes on. False if it was."""
        self._require_stored()
        return self._home.pause(self._id, paused=True)

    async def apause(self) -> bool:
        """See pause()."""
        return await sync_to_async(self.pause)()

    def resume(self) -> bool:
        """Undo pause(); return False if it was not paused."""
        self._require_stored()
        return self._home.pause(self._id, paused=False)

    async def aresume(self) -> bool:
        """See resume()."""
        return await sync_to_async(self.resume)()

    def discard(self) -> bool:
        """Delete it and its tasks permanently; return False if it does not exist.

        Raises InvalidWorkflow while it runs: cancel it first.
        """
        self._require_stored()
        return self._home.discard(self._id)

    async def adiscard(self) -> bool:
        """See discard()."""
        return await sync_to_async(self.discard)()

    @property
    def _what(self) -> str:
        return f"Workflow {self._id}"

    def _is_over_now(self) -> bool:
        self.refresh()
        return self.is_finished

    def _read(self) -> WorkflowSnapshot:
        self._require_stored()
        assert self._snapshot is not None
        return self._snapshot

    def _require_stored(self) -> None:
        if self._snapshot is None:
            raise InvalidWorkflow(
                f"{self._what} has no state yet: its rows go in at the end of its `with` block."
            )


def as_id(given: UUID | str) -> UUID:
    """Return an id; raise WorkflowDoesNotExist for a text that is none."""
    try:
        return given if isinstance(given, UUID) else UUID(str(given))
    except ValueError:
        raise unknown(given) from None


def unknown(id_: UUID | str) -> WorkflowDoesNotExist:
    """Return the error for an id that no workflow has."""
    return WorkflowDoesNotExist(
        f"There is no workflow {str(id_)[:64]!r}: it was pruned, discarded or rolled back, or it "
        f"never existed."
    )


def name_of(node: Node[Any] | MapNode[Any] | str) -> str:
    """Return the name of a node, given as such or by its name."""
    return node if isinstance(node, str) else node.name
