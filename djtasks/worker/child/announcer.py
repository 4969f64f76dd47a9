"""Announce tasks by signals and log lines, in a thread of its own.

Not in the settler: Django's receiver logs a failure at ERROR, which by default mails ADMINS from
the same thread. The queue is bounded; while it is full, the child does not fetch.
"""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from djtasks import results
from djtasks.compat import LOGGER_NAME, task_finished, task_started
from djtasks.formats.tracebacks import summary_of
from djtasks.protocol.states import FINAL, State
from djtasks.signals import task_cancelled, task_retrying
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.attempts.running import Running

logger = logging.getLogger("djtasks.tasks")
_django_logger = logging.getLogger(LOGGER_NAME)

MOST_NEWS = 10_000
_IDLE_SECONDS = 1.0
_REFUSALS_SECONDS = 60.0
# Before Python 3.12, each access to an enum member calls Python code.
_SUCCESSFUL = State.SUCCESSFUL

# Django (and the backport) connect one receiver to each of these signals: it logs.
_OWN_RECEIVERS = {id(task_started): 1, id(task_finished): 1}


def _has_listeners(signal: Signal, level: int) -> bool:
    """Return whether any receiver would use this signal; skipping it saves 19 µs a task."""
    own = _OWN_RECEIVERS.get(id(signal), 0)
    return len(signal.receivers) > own or (own > 0 and _django_logger.isEnabledFor(level))


class _CancelledLine(logging.Filter, threading.local):
    """While entered, lowers Django's log line about a finished task to INFO, in this thread.

    To Django a cancelled task is FAILED, which it logs as an error with a traceback. But the
    project's own code, or a person, chose it.
    """

    is_on = False

    def __enter__(self) -> None:
        self.is_on = True

    def __exit__(self, *raised: object) -> None:
        self.is_on = False

    def filter(self, record: logging.LogRecord) -> bool:
        if not self.is_on or record.levelno != logging.ERROR:
            return True
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.exc_info = None
        if isinstance(record.args, tuple):
            record.args = (*record.args[:-1], State.CANCELLED.name)
        return _django_logger.isEnabledFor(logging.INFO)


_cancelled_line = _CancelledLine()
_django_logger.addFilter(_cancelled_line)


def _log(finished: Finished) -> None:
    """Log a line about an attempt, with the error of a failure and the delay of a retry."""
    settlement, error = finished.settlement, finished.error
    fields: list[Any] = [
        settlement.state.name.lower() if settlement.state in FINAL else "retrying",
        finished.claim.task_path,
        finished.claim.id,
        finished.claim.attempt + settlement.spent,
        finished.seconds,
    ]
    line = "Task %s path=%s id=%s attempt=%s seconds=%.3f"
    if settlement.state is State.READY:
        line += " delay=%.1f"
        fields.append(settlement.delay or 0.0)
    if error is not None:
        line += " error=%s"
        fields.append(summary_of(error))
    logger.info(line, *fields)


class Announcer:
    """Sends the signals of one child, at most once, and those about ends after the commit."""

    def __init__(self, sender: type, worker: UUID, backend: str | None = None) -> None:
        self._sender = sender
        self._backend = backend
        self._worker = worker
        self._news: SimpleQueue[Running | Finished | None] = SimpleQueue()
        self._announcing = False
        # By task: how many records were refused since the last warning, and when the next is due.
        self._refused: dict[str, tuple[int, float]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether everything has been announced."""
        return self._news.empty() and not self._announcing

    @property
    def is_full(self) -> bool:
        return self._news.qsize() >= MOST_NEWS

    def wake(self) -> None:
        """End the current wait for news."""
        self._news.put(None)

    def started(self, running: Running) -> None:
        """Announce that an attempt starts."""
        if _has_listeners(task_started, logging.INFO):
            self._news.put(running)

    def settled(self, batch: Sequence[Finished]) -> None:
        """Announce attempts whose verdicts have just been written."""
        chatty = logger.isEnabledFor(logging.INFO)
        heard = _has_listeners(task_finished, logging.INFO)
        for finished in batch:
            if chatty or heard or finished.settlement.state is not _SUCCESSFUL:
                self._news.put(finished)

    def tick(self) -> float:
        """Send all collected news; wait up to a second for the first."""
        try:
            item = self._news.get(timeout=_IDLE_SECONDS)
            while True:
                self._announcing = True
                self._announce_safely(item)
                item = self._news.get_nowait()
        except Empty:
            return 0.0
        finally:
            self._announcing = False

    def _announce_safely(self, item: Running | Finished | None) -> None:
        try:
            self.announce(item)
        except BaseException:
            # Such as the SystemExit of a receiver, which send_robust() lets through.
            logger.exception("A task is not announced")

    def announce(self, item: Running | Finished | None) -> None:
        """Send the signals and log lines about this attempt now; None is nothing."""
        if isinstance(item, Running):
            task_started.send_robust(self._sender, task_result=item.result())
        elif item is not None:
            self._announce_finished(item)

    def _announce_finished(self, finished: Finished) -> None:
        settlement, error = finished.settlement, finished.error
        state = settlement.state
        _log(finished)
        if finished.task is None:
            self._announce_refused(finished)
            return
        result = results.from_finished(
            finished.claim,
            finished.task,
            self._worker,
            settlement,
            started_at=finished.started_at,
            backend=self._backend,
        )
        if state is State.READY:
            delay = timedelta(seconds=settlement.delay or 0.0)
            task_retrying.send_robust(self._sender, task_result=result, error=error, delay=delay)
            return
        if state is State.CANCELLED:
            task_cancelled.send_robust(self._sender, task_result=result)
            with _cancelled_line:
                task_finished.send_robust(self._sender, task_result=result)
            return
        self._send_finished(result, error)

    def _announce_refused(self, finished: Finished) -> None:
        """Warn once a minute per task: in a deploy, thousands of records return again and again."""
        path = finished.claim.task_path
        count, warn_at = self._refused.get(path, (0, float("-inf")))
        now = time.monotonic()
        if now < warn_at:
            self._refused[path] = count + 1, warn_at
            return
        logger.warning("Task not registered path=%s count=%s: %s", path, count + 1, finished.error)
        self._refused[path] = 0, now + _REFUSALS_SECONDS

    def _send_finished(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            task_finished.send_robust(self._sender, task_result=result)
            return
        try:
            # Django's receiver logs sys.exc_info(): make that the task's own traceback.
            raise error
        except BaseException:  # noqa: BLE001 - raised two lines above
            task_finished.send_robust(self._sender, task_result=result)
