"""The oracle: what really ran, told by the tasks themselves and believed over djtasks.

Every line is one `os.write` to a file opened with O_APPEND, so lines of many processes never
mix, and what was written before a `kill -9` stays written.
"""

import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

PATH = "CHAOS_JOURNAL"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` is the system's monotonic clock in ns, the same for all processes."""

    event: str
    id: str
    fence: int
    worker: str
    pid: int
    at: int


@dataclass(slots=True)
class Execution:
    """One run of a task function. `last_sign` is the last moment its process was heard of."""

    id: str
    fence: int
    worker: str
    pid: int
    started: int
    ended: int | None = None
    last_sign: int = 0


@dataclass
class Story:
    """What a journal tells."""

    entries: list[Entry]
    executions: list[Execution] = field(default_factory=list)

    def of(self, event: str) -> list[Entry]:
        """Return the entries of one kind, oldest first."""
        return [entry for entry in self.entries if entry.event == event]

    def ids(self, event: str) -> set[str]:
        return {entry.id for entry in self.of(event)}

    def by_task(self) -> dict[str, list[Execution]]:
        """Return the executions of each record, oldest first."""
        grouped = defaultdict(list)
        for execution in self.executions:
            grouped[execution.id].append(execution)
        return grouped


def note(event: str, id_: object = "-", fence: int = 0, worker: object = "-") -> None:
    """Write one line down, for good, before anything else happens."""
    line = f"{event} {id_} {fence} {worker} {os.getpid()} {time.monotonic_ns()}\n"
    handle = os.open(os.environ[PATH], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read(path: Path) -> Story:
    """Return what was written until now, but for a line that is being written."""
    text = path.read_text() if path.exists() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()
    entries = [_entry(line) for line in lines]
    entries.sort(key=lambda entry: entry.at)
    return Story(entries, _executions(entries))


def _entry(line: str) -> Entry:
    event, id_, fence, worker, pid, at = line.split(" ")
    return Entry(event, id_, int(fence), worker, int(pid), int(at))


def _executions(entries: list[Entry]) -> list[Execution]:
    executions: list[Execution] = []
    running: dict[tuple[str, int, int], Execution] = {}
    heard_of: dict[int, int] = {}
    for entry in entries:
        heard_of[entry.pid] = entry.at
        key = (entry.id, entry.fence, entry.pid)
        if entry.event == "start":
            running[key] = Execution(entry.id, entry.fence, entry.worker, entry.pid, entry.at)
            executions.append(running[key])
        elif entry.event == "end":
            running.pop(key).ended = entry.at
    for execution in executions:
        execution.last_sign = heard_of[execution.pid]
    return executions
