"""Signals of a worker: SIGTERM and SIGINT drain, a second one kills, SIGUSR1 dumps stacks."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from typing import Any


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
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
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
