"""One connection and the one thread that uses it: a caller waits only as long as it wants to.

Clients of message brokers are not thread-safe, and most of them promise no answer in time.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from djtasks.brokers.deadline import Deadline

_STUCK_SECONDS = 30.0


class Closable(Protocol):
    """What a line ends in."""

    def close(self) -> None:
        """Give the connection up; it may be broken."""
        ...


W = TypeVar("W", bound=Closable)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Call(Generic[W]):
    question: Callable[[W], Any]
    ends_at: float
    answer: "Future[Any]" = field(default_factory=Future)


class ConnectionThread(Generic[W]):
    """Connects when it is first asked, and again after every failure. Thread- and fork-safe."""

    def __init__(self, connect: Callable[[], W], deadline: Deadline) -> None:
        self._connect = connect
        self._deadline = deadline
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._operator: _Operator[W] | None = None
        self._stuck: _Operator[W] | None = None

    def ask(self, question: Callable[[W], R], *, seconds: float) -> R:
        """Return the answer to `question`, asked in the line's own thread.

        Raises what it raises, and TimeoutError after `seconds`, which count from here and
        include the waiting for other callers and the connecting; the question may then have
        been asked or not. While an earlier one hangs for ever, others fail at once.
        """
        call = _Call(question, time.monotonic() + seconds)
        operator = self._put(call)
        try:
            answer: R = call.answer.result(seconds)
        except TimeoutError:
            # A call that was cancelled in time never began: somebody else's holds it up.
            if not call.answer.cancel() and not call.answer.done():
                self._leave(operator)
            raise
        return answer

    def _put(self, call: _Call[W]) -> "_Operator[W]":
        if self._pid != os.getpid():
            self._start_anew()
        with self._lock:
            if self._stuck is not None and self._stuck.is_stuck():
                raise TimeoutError("an earlier request has not been answered")
            if self._operator is None or not self._operator.is_alive():
                self._operator = _Operator(self._connect, self._deadline)
                # Not the line's own reference: the thread ends when the line is forgotten.
                weakref.finalize(self, self._operator.calls.put, None)
                self._operator.start()
            self._operator.calls.put(call)
            return self._operator

    def _start_anew(self) -> None:
        """Forget what a fork has copied: its thread is not here, its socket is the parent's."""
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._operator = self._stuck = None

    def _leave(self, operator: "_Operator[W]") -> None:
        with self._lock:
            operator.calls.put(None)
            operator.left_at = time.monotonic()
            self._stuck = operator
            if self._operator is operator:
                self._operator = None


class _Operator(threading.Thread, Generic[W]):
    """Asks one question after the other. Whoever leaves it puts None after the last."""

    def __init__(self, connect: Callable[[], W], deadline: Deadline) -> None:
        super().__init__(name="djtasks-broker", daemon=True)
        self.calls: SimpleQueue[_Call[W] | None] = SimpleQueue()
        self.left_at = 0.0
        self._connect = connect
        self._deadline = deadline
        self._end: W | None = None

    def is_stuck(self) -> bool:
        """Whether it still waits for an answer that nobody wants any more."""
        return self.is_alive() and time.monotonic() - self.left_at < _STUCK_SECONDS

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            if call.answer.set_running_or_notify_cancel():
                self._answer(call)
            del call  # with it the line, which may be forgotten while we wait
        self._hang_up()

    def _answer(self, call: _Call[W]) -> None:
        try:
            with self._deadline.within(call.ends_at - time.monotonic()):
                if self._end is None:
                    self._end = self._connect()
                answer = call.question(self._end)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self._hang_up()
            call.answer.set_exception(error)
        else:
            call.answer.set_result(answer)

    def _hang_up(self) -> None:
        if self._end is not None:
            with suppress(Exception):
                self._end.close()
            self._end = None
