"""A background loop: a thread that calls `tick` and survives whatever it raises."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, MutableSequence

from django.db import DatabaseError, InterfaceError, connections

from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.sessions import use_engine_connection

logger = logging.getLogger("djtasks.worker")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class ProgressCounter:
    """A counter that moves while its loop is alive; the supervisor watches it."""

    __slots__ = ("_counters", "_index")

    def __init__(self, counters: MutableSequence[int], index: int) -> None:
        self._counters = counters
        self._index = index

    def move(self) -> None:
        self._counters[self._index] += 1


class Loop:
    """Calls `tick` until stopped; `tick` returns the pause in seconds until the next call.

    The thread has its own database connection. After a database error, it closes the connection
    and retries for ever, with growing pauses. It logs anything else that is raised, such as the
    SystemExit of a receiver or a plug-in, and goes on: nobody would notice the end of the thread.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[], float],
        *,
        database: str | None = None,
        counter: ProgressCounter | None = None,
    ) -> None:
        self.name = name
        self.moved_at = self.succeeded_at = time.monotonic()
        self.is_waiting = False
        self._tick = tick
        self._database = database
        self._counter = counter
        self._stopping = threading.Event()
        self._wakeup = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Loop":
        self._thread.start()
        return self

    def wake(self) -> None:
        """End the current pause."""
        self._wakeup.set()

    def stop(self) -> None:
        """Stop after the current tick."""
        self._stopping.set()
        self._wakeup.set()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the thread to end; return False if it has not after `seconds`."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        if self._database is not None:
            use_engine_connection(self._database)
        failures: Counter[str] = Counter()
        while not self._stopping.is_set():
            self._wakeup.clear()
            pause = self._turn(failures)
            self.moved_at = time.monotonic()
            if not failures:
                self.succeeded_at = self.moved_at
            if self._counter is not None:
                self._counter.move()
            if pause > 0 and not self._stopping.is_set():
                self.is_waiting = True
                self._wakeup.wait(pause)
                self.is_waiting = False
        connections.close_all()

    def _turn(self, failures: Counter[str]) -> float:
        """Call `tick` once; return the pause until the next call."""
        try:
            pause = self._tick()
        except (DatabaseError, InterfaceError) as error:
            pause = self._after_database_error(error, failures)
            failures[str(error)] += 1
        except BaseException:
            logger.exception("Loop %s failed and goes on", self.name)
            pause = _LONGEST_PAUSE
        else:
            failures.clear()
        return pause

    def _after_database_error(self, error: Exception, failures: Counter[str]) -> float:
        # Log each reason once: a server that is back may still refuse writes.
        if str(error) not in failures and _is_refusal(error):
            logger.error("Loop %s: the database refused a value error=%s", self.name, error)
        elif str(error) not in failures:
            logger.warning("Loop %s lost the database and tries again error=%s", self.name, error)
        if self._database is not None:
            close_quietly(self._database)
        pause: float = min(_FIRST_PAUSE * 2 ** min(failures.total(), 10), _LONGEST_PAUSE)
        return pause


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, DatabaseError) and classify(error) is DatabaseFailure.REFUSED


def close_quietly(database: str) -> None:
    """Close this thread's connection, which may be broken."""
    try:
        connections[database].in_atomic_block = False
        connections[database].close()
    except Exception:  # noqa: BLE001 - it is being thrown away
        del connections[database]
