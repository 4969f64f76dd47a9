"""A connection with a thread of its own, so that callers never wait longer than they choose.

Clients of message brokers are not thread-safe, and most of them have no overall time limit.
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
    """A connection that a ConnectionThread can close."""

    def close(self) -> None:
        """Close the connection, which may be broken."""
        ...


W = TypeVar("W", bound=Closable)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Call(Generic[W]):
    question: Callable[[W], Any]
    ends_at: float
    answer: "Future[Any]" = field(default_factory=Future)


class ConnectionThread(Generic[W]):
    """Connects at the first `ask`, and again after every failure. Thread- and fork-safe."""

    def __init__(self, connect: Callable[[], W], deadline: Deadline) -> None:
        self._connect = connect
        self._deadline = deadline
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._operator: _Operator[W] | None = None
        self._stuck: _Operator[W] | None = None

    def ask(self, question: Callable[[W], R], *, seconds: float) -> R:
        """Call `question` with the connection, in the connection's thread; return its result.

        Raises what it raises, and TimeoutError after `seconds`. These include waiting for other
        callers and connecting; after a timeout the question may have run or not. While an
        earlier question hangs, later ones fail at once.
        """
        call = _Call(question, time.monotonic() + seconds)
        operator = self._put(call)
        try:
            answer: R = call.answer.result(seconds)
        except TimeoutError:
            # If we can still cancel it, it never began: another caller's question blocks it.
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
                # The thread holds no reference to us, so it ends when we are garbage-collected.
                weakref.finalize(self, self._operator.calls.put, None)
                self._operator.start()
            self._operator.calls.put(call)
            return self._operator

    def _start_anew(self) -> None:
        """Drop what a fork has copied: the thread does not run here, the socket is the parent's."""
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
    """Runs one question after the other. None in `calls` ends it."""

    def __init__(self, connect: Callable[[], W], deadline: Deadline) -> None:
        super().__init__(name="djtasks-broker", daemon=True)
        self.calls: SimpleQueue[_Call[W] | None] = SimpleQueue()
        self.left_at = 0.0
        self._connect = connect
        self._deadline = deadline
        self._end: W | None = None

    def is_stuck(self) -> bool:
        """Return whether it still waits for an answer that its caller has given up on."""
        return self.is_alive() and time.monotonic() - self.left_at < _STUCK_SECONDS

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            if call.answer.set_running_or_notify_cancel():
                self._answer(call)
            del call  # it refers to the ConnectionThread, which may be collected while we wait
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
