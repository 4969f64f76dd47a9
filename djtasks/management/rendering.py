"""Status as text for a terminal."""

from collections.abc import Collection, Sequence
from datetime import datetime

from djtasks.formats.durations import in_words
from djtasks.inspection import COUNT_LIMIT, QueueFacts, SchedulerFacts, Status, WorkerFacts
from djtasks.management.terminal import in_a_cell


def render_status(status: Status) -> str:
    """Return the status of one TASKS alias as a few aligned tables."""
    states = "  ".join(f"{_count(count)} {state}" for state, count in status.states.items())
    parts = [
        f"TASKS[{status.backend!r}]  database {status.database}, broker {status.broker}\n{states}",
        table(
            ("queue", "due", "delayed", "running", "oldest", "indexed", "workers", ""),
            [_queue_row(queue) for queue in status.queues],
        ),
    ]
    if status.workers:
        parts.append(
            table(
                ("worker", "pid", "slots", "running", "memory", "silent", ""),
                [_worker_row(worker) for worker in status.workers],
            )
        )
    else:
        parts.append("No workers. Start one: manage.py runworker")
    if status.scheduler.schedules:
        parts.append(_schedules_line(status.scheduler))
    parts += [f"! {problem}" for problem in status.problems]
    return "\n\n".join(parts)


def _count(count: int) -> str:
    """Return a count, with a plus if it stopped at COUNT_LIMIT."""
    return counted(count, is_capped=count >= COUNT_LIMIT)


def _schedules_line(scheduler: SchedulerFacts) -> str:
    count = scheduler.schedules
    parts = [f"{count:,} schedule{'' if count == 1 else 's'}"]
    parts += [f"{scheduler.paused:,} paused"] if scheduler.paused else []
    parts += [f"{len(scheduler.broken):,} broken"] if scheduler.broken else []
    parts += [f"next in {in_words(scheduler.next_in)}"] if scheduler.next_in else []
    return ", ".join(parts)


def _queue_row(queue: QueueFacts) -> tuple[str, ...]:
    return (
        queue.name,
        _count(queue.due),
        _count(queue.delayed),
        f"{queue.running:,}",
        in_words(queue.oldest_wait) if queue.oldest_wait is not None else "-",
        f"{queue.indexed:,}" if queue.indexed is not None else "-",
        f"{queue.workers:,}",
        f"paused {queue.paused}" if queue.paused else "",
    )


def _worker_row(worker: WorkerFacts) -> tuple[str, ...]:
    notes = [word for word, is_so in _notes(worker) if is_so]
    return (
        worker.host,
        str(worker.pid),
        str(worker.slots),
        str(len(worker.tasks)),
        f"{worker.rss / 1024 / 1024:.0f} MB" if worker.rss else "-",
        in_words(worker.silent),
        ", ".join(notes),
    )


def _notes(worker: WorkerFacts) -> list[tuple[str, bool]]:
    return [("draining", worker.draining), ("alone", worker.alone)]


def counted(count: int, *, is_capped: bool) -> str:
    """Return a count, with a plus if counting stopped there."""
    return f"{count:,}{'+' if is_capped else ''}"


def moment_in_words(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, or in how long it comes."""
    if moment > now:
        return f"in {in_words(moment - now)}"
    return f"{in_words(now - moment)} ago"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[str] = ()) -> str:
    """Return rows under a header, each cell on one line.

    The first and last columns and those in `left` are aligned left, the others right.
    """
    flush = {0, len(head) - 1} | {place for place, name in enumerate(head) if name in left}
    lines = [[in_a_cell(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in flush else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in lines
    )
