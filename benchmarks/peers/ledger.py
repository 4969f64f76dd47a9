"""Who began which task, and when: what the verdict on a run rests on, whatever a queue says.

Every task of every contestant appends 24 bytes to one file in memory: its number, the monotonic
clock in nanoseconds, which all processes of a machine share, and its process. An append of that
size is whole, across threads, forks and processes. It costs about a microsecond.

Runs in the environments of the contestants: the standard library only.
"""

import os
import struct
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_ENTRY = struct.Struct("<QQQ")
ENTRY_BYTES = _ENTRY.size
_open: dict[str, int] = {}


class Entry(NamedTuple):
    """The beginning of one task; `at` is in nanoseconds of the monotonic clock."""

    number: int
    at: int
    pid: int


@dataclass(frozen=True)
class Verdict:
    """How many of the tasks asked for never ran, and how many ran more than once."""

    lost: int
    repeated: int

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.repeated} run more than once"

    @property
    def is_right(self) -> bool:
        return not self.lost and not self.repeated


def mark(number: int) -> None:
    """Tell that the task with this number runs now."""
    path = os.environ["PEERS_LEDGER"]
    if path not in _open:
        _open[path] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(_open[path], _ENTRY.pack(number, time.monotonic_ns(), os.getpid()))


def size(path: Path) -> int:
    """Return the number of entries so far; cheap."""
    try:
        return path.stat().st_size // ENTRY_BYTES
    except FileNotFoundError:
        return 0


def read(path: Path, since: int = 0) -> list[Entry]:
    """Return the entries after the first `since` ones."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(since * ENTRY_BYTES)
        data = file.read()
    whole = len(data) - len(data) % ENTRY_BYTES
    return [Entry(*fields) for fields in _ENTRY.iter_unpack(data[:whole])]


def judge(entries: Iterable[Entry], numbers: range) -> Verdict:
    """Return whether each of `numbers` ran exactly once; other entries do not matter."""
    times = Counter(entry.number for entry in entries if entry.number in numbers)
    return Verdict(
        lost=len(numbers) - len(times),
        repeated=sum(count > 1 for count in times.values()),
    )


def seconds(entries: Iterable[Entry], numbers: range) -> float:
    """Return the time from the first to the last of these tasks."""
    times = [entry.at for entry in entries if entry.number in numbers]
    return (max(times) - min(times)) / 1e9
