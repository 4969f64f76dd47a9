"""Run suspects alone: a record whose next crash would be its last gets its own process.

One suspect at a time. Each step is a compare-and-set on the row, so if a process dies between
two steps, the suspect is given back.
"""

from collections import deque

from djtasks.protocol.records import Claim
from djtasks.worker import messages
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.lifecycle import Children


class Isolation:
    """Manages the suspects that wait for a process of their own, and the one that has it."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._waiting: deque[tuple[Claim, ChildHandle]] = deque()
        self._lone: ChildHandle | None = None

    @property
    def is_idle(self) -> bool:
        return self._lone is None and not self._waiting

    def accept(self, claim: Claim, holder: ChildHandle) -> None:
        """Queue a suspect; `holder` owns it until its new process has taken it."""
        self._waiting.append((claim, holder))

    def proceed(self) -> None:
        """Start a process for the next suspect if none is running."""
        if self._lone is None and self._waiting and self._children.starts.may_begin_alone:
            self._lone = self._children.start(alone=True)
            if self._lone is not None:
                self._lone.suspect, self._lone.suspect_from = self._waiting.popleft()

    def on_registered(self, child: ChildHandle) -> None:
        """Pass the suspect to its process, which has a row now."""
        holder = child.suspect_from
        if child.suspect is not None and holder is not None and holder.worker is not None:
            child.send(messages.Reassign(child.suspect, holder.worker))
            # This process takes no other task, but it is not draining: if it crashes, the
            # crash must count.

    def on_reassigned(self, child: ChildHandle, message: messages.Reassigned) -> None:
        """Tell the former holder that the suspect is taken, or that it must give it back."""
        child.reassigned = True
        if child.suspect is not None and child.suspect_from is not None:
            child.suspect_from.send(messages.HandedOver(child.suspect, message.taken))

    def on_gone(self, child: ChildHandle) -> None:
        """Continue after the exit of a process; give back a suspect that it never took."""
        if child is not self._lone:
            return
        self._lone = None
        if not child.reassigned and child.suspect is not None and child.suspect_from is not None:
            child.suspect_from.send(messages.HandedOver(child.suspect, taken=False))

    def refuse_all(self) -> None:
        """Give back all waiting suspects, because the worker stops."""
        while self._waiting:
            claim, holder = self._waiting.popleft()
            holder.send(messages.HandedOver(claim, taken=False))
