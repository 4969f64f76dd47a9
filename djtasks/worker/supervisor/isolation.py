"""Suspects run alone: a record whose next crash would be its last gets a process of its own.

One at a time. Whatever dies in between, each step is a compare-and-set on the row, and a
suspect that did not get through goes back to where it was.
"""

from collections import deque

from djtasks.protocol.records import Claim
from djtasks.worker import messages
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.lifecycle import Children


class Isolation:
    """Suspects that wait for a process of their own, and the one that has it."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._waiting: deque[tuple[Claim, ChildHandle]] = deque()
        self._lone: ChildHandle | None = None

    @property
    def is_idle(self) -> bool:
        return self._lone is None and not self._waiting

    def accept(self, claim: Claim, holder: ChildHandle) -> None:
        """Take a suspect on; `holder` owns it until it has been adopted."""
        self._waiting.append((claim, holder))

    def proceed(self) -> None:
        """Start a process for the next suspect when none is at work."""
        if self._lone is None and self._waiting:
            claim, holder = self._waiting.popleft()
            self._lone = self._children.start(alone=True)
            self._lone.suspect, self._lone.suspect_from = claim, holder

    def on_registered(self, child: ChildHandle) -> None:
        """Hand the suspect to its process, which has a row by now."""
        holder = child.suspect_from
        if child.suspect is not None and holder is not None and holder.worker is not None:
            child.send(messages.Reassign(child.suspect, holder.worker))
            # A process that has been given its one task takes no other, but it is not
            # draining: its crash is what this is about.

    def on_reassigned(self, child: ChildHandle, message: messages.Reassigned) -> None:
        """Tell the former holder that it is rid of the suspect, or has to give it back."""
        child.reassigned = True
        if child.suspect is not None and child.suspect_from is not None:
            child.suspect_from.send(messages.HandedOver(child.suspect, message.taken))

    def on_gone(self, child: ChildHandle) -> None:
        """Go on after the end of a process; a suspect it never adopted goes back."""
        if child is not self._lone:
            return
        self._lone = None
        if not child.reassigned and child.suspect is not None and child.suspect_from is not None:
            child.suspect_from.send(messages.HandedOver(child.suspect, taken=False))

    def refuse_all(self) -> None:
        """Give back all suspects that wait, since the worker stops."""
        while self._waiting:
            claim, holder = self._waiting.popleft()
            holder.send(messages.HandedOver(claim, taken=False))
