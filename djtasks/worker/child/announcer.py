"""Announce tasks by signals and log lines, in a thread of its own.

Not in the settler: Django's receiver logs a failure at ERROR, which by default mails ADMINS from
the same thread. The queue is bounded; while it is full, the child does not fetch.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from djtasks import results
from djtasks.compat import (
    TaskResultStatus,
    log_task_finished,
    log_task_started,
    task_finished,
    task_started,
)
from djtasks.errors import MissingKey
from djtasks.formats.tracebacks import summary_of
from djtasks.protocol.states import FINAL, State
from djtasks.signals import task_cancelled, task_retrying, workflow_finished
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.attempts.running import Running
from djtasks.worker.child.lines import Line, cancelled_line, write
from djtasks.worker.child.news import News
from djtasks.worker.ends import WorkflowEnd, announce_ends

logger = logging.getLogger("djtasks.tasks")

MOST_NEWS = 10_000
_AT_ONCE = 200
_IDLE_SECONDS = 1.0
_REFUSALS_SECONDS = 60.0
# Before Python 3.12, each access to an enum member calls Python code.
_SUCCESSFUL = State.SUCCESSFUL


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
        self._news: News[Running | Finished | WorkflowEnd] = News()
        self._start = Line(task_started, log_task_started, TaskResultStatus.RUNNING)
        self._end = Line(task_finished, log_task_finished, TaskResultStatus.SUCCESSFUL)
        # By task: how many records were refused since the last warning, and when the next is due.
        self._refused: dict[str, tuple[int, float]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether everything has been announced."""
        return len(self._news) == 0

    @property
    def is_full(self) -> bool:
        return len(self._news) >= MOST_NEWS

    def wake(self) -> None:
        """End the current wait for news."""
        self._news.wake()

    def started(self, running: Running) -> None:
        """Announce that an attempt starts."""
        if self._start.is_heard:
            self._news.put((running,))

    def settled(self, batch: Sequence[Finished]) -> None:
        """Announce attempts whose verdicts have just been written."""
        if not (logger.isEnabledFor(logging.INFO) or self._end.is_heard):
            batch = [one for one in batch if one.settlement.state is not _SUCCESSFUL]
        if batch:
            self._news.put(batch)

    def ended(self, ends: Sequence[WorkflowEnd]) -> None:
        """Announce workflows that are over."""
        if workflow_finished.receivers:
            self._news.put(ends)

    def tick(self) -> float:
        """Announce what has collected; wait up to a second for the first."""
        news = self._news.take(_AT_ONCE, seconds=_IDLE_SECONDS)
        try:
            self._announce_in_order(news)
        finally:
            self._news.done()
        return 0.0

    def _announce_in_order(self, news: Sequence[Running | Finished | WorkflowEnd]) -> None:
        """Announce news; what is only a line in the log is written with its neighbours."""
        start = self._start.maker()
        end = None if logger.isEnabledFor(logging.INFO) else self._end.maker()
        lines: list[logging.LogRecord] = []
        for item in news:
            if isinstance(item, Running):
                make = start
            elif isinstance(item, Finished):
                make = end if item.settlement.state is _SUCCESSFUL else None
            else:
                make = None
            try:
                if make is not None and not isinstance(item, WorkflowEnd) and item.task is not None:
                    lines.append(make(item.claim.id, item.task))
                    continue
                before, lines = lines, []
                write(before)
                self.announce(item)
            except BaseException:
                # Such as the SystemExit of a receiver, which send_robust() lets through.
                logger.exception("A task is not announced")
        write(lines)

    def announce(self, item: Running | Finished | WorkflowEnd) -> None:
        """Send the signals and log lines about an attempt or a workflow now, in this thread."""
        if isinstance(item, Running):
            task_started.send_robust(self._sender, task_result=item.result())
        elif isinstance(item, Finished):
            self._announce_finished(item)
        else:
            announce_ends(self._sender, self._backend or "", [item])

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
            with cancelled_line:
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
        is_locked = isinstance(finished.error, MissingKey)
        what = "Task waits for a key" if is_locked else "Task not registered"
        logger.warning("%s path=%s count=%s: %s", what, path, count + 1, finished.error)
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
