"""Signals of a worker: SIGTERM and SIGINT drain, a second one kills, SIGUSR1 dumps stacks."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

_handled: set[signal.Signals] = set()


def ignore_stops() -> None:
    """Let SIGTERM and SIGINT have no effect in this process; call it in the main thread.

    Not by SIG_IGN: programs that a task starts would inherit it, and nothing could stop them.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        _handle(number, lambda _number, _frame: None)


def _handle(number: signal.Signals, handler: Callable[[int, Any], None]) -> Any:
    """Install a handler for this process and for no copy that forks; return the one before."""
    _handled.add(number)
    return signal.signal(number, handler)


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


class Wakeup:
    """Counts signals, and wakes the main loop through a pipe.

    `stops` counts requests to stop, `dumps` requests for stacks. Handlers run in the main thread,
    so they only count. The interpreter itself writes to the pipe, which wakes the loop.
    """

    def __init__(self) -> None:
        self.stops = 0
        self.dumps = 0
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)

    def install(self) -> None:
        """Install the signal handlers; call it in the main thread."""
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        _handle(signal.SIGTERM, self._on_stop)
        _handle(signal.SIGINT, self._on_stop)
        if hasattr(signal, "SIGUSR1"):
            signal.signal(signal.SIGUSR1, self._on_dump)

    def _on_stop(self, _number: int, _frame: Any) -> None:
        self.stops += 1

    def _on_dump(self, _number: int, _frame: Any) -> None:
        self.dumps += 1
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)

    def stop(self) -> None:
        """Request a stop; callable from any thread."""
        self.stops += 1
        self.wake()

    def wake(self) -> None:
        """End the current wait."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def clear(self) -> None:
        """Empty the pipe that woke the loop."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.reader, 1024):
                pass

    def stop_when_closed(self, stream: Any) -> None:
        """Stop when `stream` ends: the process at its other end is gone or wants us to stop."""

        def read() -> None:
            while stream.read(1):
                pass
            self.stop()

        threading.Thread(target=read, name="stdin", daemon=True).start()
