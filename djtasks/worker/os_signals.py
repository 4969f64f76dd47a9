"""Signals of a worker: SIGTERM and SIGINT drain, a second one kills, SIGUSR1 dumps stacks."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing import connection as pipes
from typing import Any

from djtasks.worker.config import STOP_MARGIN
from djtasks.worker.exits import EXIT_STUCK

_STOPS = (signal.SIGTERM, signal.SIGINT)
# What we write to our pipes ourselves; neither is the number of a signal.
_NUDGE, _OVER = 0, 255

_handled: set[signal.Signals] = set()


def ignore_stops() -> None:
    """Let SIGTERM and SIGINT have no effect in this process; call it in the main thread.

    Not by SIG_IGN: programs that a task starts would inherit it, and nothing could stop them.
    """
    for number in _STOPS:
        _handle(number, _do_nothing)


def _handle(number: signal.Signals, handler: Callable[[int, Any], None]) -> Any:
    """Install a handler for this process and for no copy that forks; return the one before."""
    _handled.add(number)
    return signal.signal(number, handler)


def _do_nothing(_number: int, _frame: Any) -> None:
    pass


def _dump_stacks(_number: int, _frame: Any) -> None:
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)


def _restore_in_copy() -> None:
    """Give a forked copy, such as a process of a pool, the handlers of a plain program."""
    if not _handled:
        return
    signal.set_wakeup_fd(-1)
    for number in _handled:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, default)
    _handled.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_in_copy)


@contextlib.contextmanager
def _handlers(pipe: int) -> Iterator[None]:
    """Let the interpreter write signals to a pipe; afterwards all handlers are as before.

    Only the main thread may set handlers. In any other, signals stay with the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pipe_before = signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)
    before = {number: _handle(number, _do_nothing) for number in _STOPS}
    if hasattr(signal, "SIGUSR1"):
        before[signal.SIGUSR1] = _handle(signal.SIGUSR1, _dump_stacks)
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: C code has installed it, and it cannot be installed again from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
            _handled.discard(number)
        signal.set_wakeup_fd(pipe_before)


class _Pipe:
    """A pipe of which neither end blocks."""

    def __init__(self) -> None:
        self.reader, self.writer = self._ends = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        self._is_open = True

    def write(self, number: int) -> None:
        """Write a byte, which wakes the reader; do nothing if the pipe is closed or full."""
        if self._is_open:
            with contextlib.suppress(BlockingIOError):
                os.write(self.writer, bytes([number]))

    def read(self) -> bytes:
        """Return what is in the pipe."""
        try:
            return os.read(self.reader, 1024)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self._is_open = False
        for end in self._ends:
            os.close(end)


class _StopLimit:
    """Until when a process must have ended that was asked to stop."""

    def __init__(self, longest: timedelta, after_second: timedelta) -> None:
        self._longest = longest.total_seconds()
        self._after_second = after_second.total_seconds()
        self._at: float | None = None

    def set_for(self, stops: int) -> None:
        """Set it after this number of stops; a further one may only shorten it."""
        at = time.monotonic() + (self._longest if stops == 1 else self._after_second)
        self._at = at if self._at is None else min(self._at, at)

    @property
    def remaining(self) -> float | None:
        """The seconds until then; None before a stop."""
        return None if self._at is None else max(self._at - time.monotonic(), 0.0)


def _has_ended(stream: int) -> bool:
    """Read what is there; return whether nothing more will come."""
    try:
        return not os.read(stream, 1024)
    except BlockingIOError:
        return False
    except OSError:
        return True


class Wakeup:
    """Counts the requests to stop, wakes the main loop through a pipe, and bounds each stop.

    `stops` counts signals and calls of `stop()`. A thread of its own counts the signals, which
    the interpreter writes to a pipe: the main thread may be in a write to a log that nobody
    reads. `held_by` is a file descriptor; when it closes, the worker stops, too. `is_program`:
    the process ends with its worker, so a stop also bounds its last steps, such as `atexit`.
    """

    def __init__(self, *, held_by: int | None = None, is_program: bool = False) -> None:
        self.stops = 0
        self._held_by = held_by
        self._is_program = is_program
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def installed(
        self, *, grace: timedelta = timedelta(), margin: timedelta = STOP_MARGIN
    ) -> Iterator[None]:
        """Receive signals in this block. Outside the main thread, only `stop()` is received.

        A stop that lasts longer than `grace` and `margin` together ends the process with
        EXIT_STUCK, without a word; after a second one, it may last for `margin`.
        """
        self._limit = _StopLimit(grace + margin, margin)
        self._wakes, self._signals = _Pipe(), _Pipe()
        thread = threading.Thread(target=self._serve, name="signals", daemon=True)
        thread.start()
        try:
            with _handlers(self._signals.writer):
                yield
        finally:
            self._signals.write(_OVER)
            thread.join()
            self._wakes.close()
            self._signals.close()
            if self._is_program:
                threading.Thread(target=self._leave_late, daemon=True).start()

    @property
    def reader(self) -> int:
        """The file descriptor that is readable when the main loop shall look around."""
        return self._wakes.reader

    def stop(self) -> None:
        """Request a stop; callable from any thread."""
        with self._lock:
            self.stops += 1
            self._limit.set_for(self.stops)
        self.wake()
        self._signals.write(_NUDGE)

    def wake(self) -> None:
        """End the current wait of the main loop."""
        self._wakes.write(_NUDGE)

    def clear(self) -> None:
        """Empty the pipe that woke the loop."""
        self._wakes.read()

    def _serve(self) -> None:
        watched = [self._signals.reader, *([] if self._held_by is None else [self._held_by])]
        while True:
            ready: Sequence[Any] = pipes.wait(watched, self._limit.remaining)
            if not ready:
                os._exit(EXIT_STUCK)
            if self._held_by in ready and _has_ended(watched[1]):
                watched.pop()
                self.stop()
            for number in self._signals.read():
                if number == _OVER:
                    return
                if number in _STOPS:
                    self.stop()

    def _leave_late(self) -> None:
        remaining = self._limit.remaining
        if remaining is not None:
            time.sleep(remaining)
            os._exit(EXIT_STUCK)
