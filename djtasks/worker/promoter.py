"""The promoter: looks at the workflows that it is told of, and pushes the hints of what may run.

Whatever tells it may be lost: the sweep finds workflows where something could move.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.promotion import Look, Pages, Sweep, look
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.ends import WorkflowEnd

logger = logging.getLogger("djtasks.worker")

WORKFLOWS_A_LOOK = 100
_IDLE_SECONDS = 1.0
_BUSY_SECONDS = 0.005
_ASK_SECONDS = 1.0
# A look that changed nothing may be repeated after twenty times as long as it took.
_PATIENCE = 20
_BROKEN_SECONDS = 60.0


class Message(NamedTuple):
    """Workflows to look at, with `every` at all of their nodes; or records that nobody claimed."""

    workflows: frozenset[UUID] = frozenset()
    every: bool = False
    unclaimed: tuple[UUID, ...] = ()


class Promoter:
    """The promote loop of one process. `on_ended` hears of workflows that are over.

    The methods that tell it something may be called by any thread.
    """

    def __init__(self, engine: Engine, on_ended: Callable[[Sequence[WorkflowEnd]], None]) -> None:
        self._engine = engine
        self._on_ended = on_ended
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._pages = Pages()
        # When to look at each workflow, and which ones to look at with `every`.
        self._due: dict[UUID, float] = {}
        self._every: set[UUID] = set()
        self._not_before: dict[UUID, float] = {}
        self._unclaimed: set[UUID] = set()
        self._look_up_at = self._ask_at = 0.0
        self._is_asked = False

    @property
    def is_idle(self) -> bool:
        """Whether it has looked at everything that it was told of."""
        return self._inbox.empty() and not (self._due or self._unclaimed)

    def put(self, workflows: Iterable[UUID], *, every: bool = False) -> None:
        """Ask for a look at these workflows."""
        found = frozenset(workflows)
        if found:
            self._inbox.put(Message(found, every))

    def settled(self, batch: Sequence[Finished]) -> None:
        """Look at the workflows of attempts whose verdicts are durable."""
        self.put({f.claim.workflow for f in batch if f.claim.workflow is not None})

    def unclaimed(self, ids: Collection[UUID]) -> None:
        """Look up ids that a broker had and that no claim returned: members at a door have hints.

        A workflow has one hint, of any of its members.
        """
        if ids:
            self._inbox.put(Message(unclaimed=tuple(ids)))

    def ask(self) -> None:
        """Look for members at open doors, at most once a second: without a broker, no hint does."""
        if not self._is_asked and time.monotonic() >= self._ask_at:
            self._is_asked = True
            self.wake()

    def wake(self) -> None:
        """End the current wait for messages."""
        self._inbox.put(Message())

    def tick(self) -> float:
        """Look at what is due; wait up to a second for the first message."""
        self._collect(self.pause())
        self.turn()
        return 0.0

    def turn(self) -> None:
        """Look at what is due now."""
        self._collect(0.0)
        self._look_up()
        if self._is_asked:
            self._is_asked, self._ask_at = False, time.monotonic() + _ASK_SECONDS
            self._note(Sweep(self._engine.store).opened())
        now = time.monotonic()
        due = [workflow for workflow, at in self._due.items() if at <= now]
        for every in (False, True):
            asked = [one for one in due if (one in self._every) is every]
            for start in range(0, len(asked), WORKFLOWS_A_LOOK):
                self._look(asked[start : start + WORKFLOWS_A_LOOK], every=every)

    def pause(self) -> float:
        """Return the seconds until something is due, at most one."""
        now = time.monotonic()
        moments = [*self._due.values()]
        if self._unclaimed:
            moments.append(self._look_up_at)
        return min(max(min(moments, default=now + _IDLE_SECONDS) - now, 0.0), _IDLE_SECONDS)

    def _collect(self, patience: float) -> None:
        try:
            message = self._inbox.get(timeout=patience) if patience else self._inbox.get_nowait()
            while True:
                self._note(message.workflows, every=message.every)
                self._unclaimed.update(message.unclaimed)
                message = self._inbox.get_nowait()
        except Empty:
            pass

    def _note(self, workflows: Iterable[UUID], *, every: bool = False) -> None:
        now = time.monotonic()
        for workflow in workflows:
            at = max(self._not_before.get(workflow, now), now)
            self._due[workflow] = min(self._due.get(workflow, at), at)
            if every:
                self._every.add(workflow)

    def _look_up(self) -> None:
        """Note the workflows of ids that nobody claimed."""
        started = time.monotonic()
        if not self._unclaimed or started < self._look_up_at:
            return
        records = TaskRecord.objects.using(self._engine.database)
        waiting = records.filter(pk__in=self._unclaimed, state=State.WAITING)
        found = set(waiting.values_list("workflow", flat=True))
        self._unclaimed = set()
        if not found:
            now = time.monotonic()
            self._look_up_at = now + _PATIENCE * (now - started)
        self._note(workflow for workflow in found if workflow is not None)

    def _look(self, workflows: list[UUID], *, every: bool) -> None:
        started = time.monotonic()
        try:
            found = look(self._engine.store, workflows, every=every, pages=self._pages)
        except Exception as error:
            # Those that were not looked at stay due.
            if _is_outage(error):
                raise
            self._set_apart(workflows, every=every, error=error)
            return
        self._engine.outbox.publish(found.hints)
        cost = (time.monotonic() - started) / len(workflows)
        self._after(workflows, found, cost)
        if found.ended:
            self._on_ended([WorkflowEnd(*one) for one in found.ended])

    def _after(self, workflows: Sequence[UUID], found: Look, cost: float) -> None:
        """Note when to look at these workflows again."""
        now = time.monotonic()
        self._not_before = {one: at for one, at in self._not_before.items() if at > now}
        for workflow in workflows:
            del self._due[workflow]
            was_every = workflow in self._every
            self._every.discard(workflow)
            if workflow in found.busy:
                self._due[workflow] = now + _BUSY_SECONDS
                if was_every:
                    self._every.add(workflow)
                continue
            if workflow not in found.changed:
                self._not_before[workflow] = now + _PATIENCE * cost
            if workflow in found.again or workflow in found.leftover:
                self._note([workflow], every=workflow in found.leftover)

    def _set_apart(self, workflows: Sequence[UUID], *, every: bool, error: Exception) -> None:
        """Look at each workflow alone, so that a broken one does not hold up the others."""
        if len(workflows) > 1:
            for workflow in workflows:
                self._look([workflow], every=every)
            return
        (workflow,) = workflows
        logger.error("Workflow not looked at id=%s error=%s", workflow, error, exc_info=error)
        del self._due[workflow]
        self._every.discard(workflow)
        self._not_before[workflow] = time.monotonic() + _BROKEN_SECONDS


def _is_outage(error: Exception) -> bool:
    if isinstance(error, DatabaseError):
        return classify(error) is DatabaseFailure.AWAY
    return isinstance(error, InterfaceError | OSError | MemoryError)
