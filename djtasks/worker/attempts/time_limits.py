"""Time limits: raise TaskTimeout in a task that runs too long, report one that ignores it."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from djtasks.errors import TaskTimeout
from djtasks.worker.attempts.running import Running
from djtasks.worker.config import HANG_GRACE

logger = logging.getLogger("djtasks.worker")

_AGAIN_SECONDS = 1.0


class Limits:
    """Watches the deadlines of one child's running tasks in its own thread.

    Calls `on_hung` once for an attempt that still runs HANG_GRACE after its limit.
    """

    def __init__(self, on_hung: Callable[[Running], None]) -> None:
        self._on_hung = on_hung
        self._heap: list[tuple[float, int, Running]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._serve, name="limits", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; no limit strikes from now on."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)

    def watch(self, running: Running) -> None:
        """Interrupt this attempt when it exceeds its time limit, if it has one."""
        limit = running.claim.timeout
        if limit is None:
            return
        with self._changed:
            deadline = running.started_monotonic + limit
            heapq.heappush(self._heap, (deadline, next(self._numbers), running))
            self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    if self._is_stopping:
                        return
                    pause = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._changed.wait(pause)
                _deadline, _number, running = heapq.heappop(self._heap)
            try:
                self.strike(running)
            except BaseException:
                # Such as a failure of the project's own code that decides on a retry.
                logger.exception("A time limit failed path=%s id=%s", running.task_path, running.id)

    def strike(self, running: Running) -> None:
        """Interrupt an attempt whose deadline has passed; report it once the grace has, too.

        In between, interrupt it again each second, in case it has swallowed the exception.
        """
        if running.is_over:
            return
        now = time.monotonic()
        if now >= running.hangs_at:
            self._on_hung(running)
            return
        if not running.timed_out:
            running.timed_out = True
            running.hangs_at = now + HANG_GRACE.total_seconds()
            if running.gate is not None:
                running.gate.throw(TaskTimeout)
        elif running.gate is not None:
            running.gate.throw_again(TaskTimeout)
        with self._changed:
            deadline = min(now + _AGAIN_SECONDS, running.hangs_at)
            heapq.heappush(self._heap, (deadline, next(self._numbers), running))
