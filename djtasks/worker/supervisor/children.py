"""Child processes, as their supervisor sees them."""

import multiprocessing
import os
import threading
import time
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from enum import Enum, auto
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from djtasks.formats.ids import new_id
from djtasks.protocol.records import Claim, Settlement
from djtasks.store.workers import ChildStatus
from djtasks.worker import process_groups
from djtasks.worker.attempts.board import Board
from djtasks.worker.config import ChildConfig
from djtasks.worker.shared_memory import parts_of, size_for
from djtasks.worker.supervisor.launchers import Launcher
from djtasks.worker.supervisor.stacks import Stacks


class KillReason(Enum):
    """Why a supervisor kills a child: to stop it, or because of what its tasks have done."""

    STOP = auto()
    FAULT = auto()


@dataclass(eq=False)
class ChildHandle:
    """One child process, from its start until its records have been released.

    `id` is the id of its row, `is_registered` whether the row exists. `kill_at` is when the
    grace of a drain is over (monotonic). `is_mute`: its end of the pipe is closed. `killed_as`
    is why we killed it; None if we did not.
    """

    config: ChildConfig
    process: Any
    connection: Connection
    counters: MutableSequence[int]
    board: Board
    stacks: Stacks
    id: UUID = field(default_factory=new_id)
    is_registered: bool = False
    pid: int | None = None
    started_at: float = field(default_factory=time.monotonic)
    draining: bool = False
    quiet: bool = False
    kill_at: float | None = None
    is_gone: bool = False
    is_waiting: bool = False
    is_ready: bool = False
    is_mute: bool = False
    outgrown: bool = False
    killed_as: KillReason | None = None
    tasks: tuple[dict[str, Any], ...] = ()
    hung: list[Settlement] = field(default_factory=list)
    suspect: Claim | None = None
    suspect_from: "ChildHandle | None" = None
    reassigned: bool = False
    progress: list[tuple[int, float]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    @property
    def worker(self) -> UUID | None:
        """The id of its row; None before the row exists."""
        return self.id if self.is_registered else None

    def send(self, message: Any) -> bool:
        """Send an order; return False if the child is gone."""
        try:
            with self.lock:
                self.connection.send(message)
        except (OSError, ValueError):
            return False
        return True

    def status(self) -> ChildStatus:
        """Return the status that the heartbeat writes for this child."""
        return ChildStatus(rss=self.rss(), draining=self.draining or self.quiet, tasks=self.tasks)

    def rss(self) -> int | None:
        """Return its resident memory in bytes; None where /proc does not show it."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stalled_for(self, now: float) -> float:
        """Return for how many seconds one of its loops has not moved its counter."""
        # A child does not fetch while it drains or if it runs a single task.
        current = list(self.counters)[1 if self.draining or self.config.alone else 0 :]
        if len(self.progress) != len(current):
            self.progress = [(value, now) for value in current]
        self.progress = [
            seen if seen[0] == value else (value, now)
            for seen, value in zip(self.progress, current, strict=True)
        ]
        return max(now - since for _value, since in self.progress)

    def forgive(self) -> None:
        """Restart the watch of its counters."""
        self.progress = []

    def dump(self) -> str:
        """Return the stacks of all its threads; "" if it does not answer."""
        pid = self.process.pid
        return "" if pid is None else self.stacks.ask(pid)

    def kill(self, *, why: KillReason = KillReason.STOP) -> None:
        """Kill the process once, with the programs that its tasks started.

        Its records are released once it is gone.
        """
        if self.killed_as is None and self.process.is_alive():
            self.killed_as = why
            if self.pid is not None:
                process_groups.kill(self.pid)
            self.process.kill()

    def bury(self) -> None:
        """Wait for the process, which is gone, and kill the programs that it left behind.

        What a child leaves that ended in peace, it left on purpose.
        """
        self.process.join()
        was_killed = self.has_crashed or self.killed_as is not None
        if self.pid is not None and (was_killed or self.hung):
            process_groups.kill_orphans(self.pid)

    @property
    def has_crashed(self) -> bool:
        """Whether the tasks that ran answer for its exit. Ask it when the process is gone.

        A drain excuses nothing: a process that dies while it drains has crashed, too.
        """
        if self.killed_as is not None:
            return self.killed_as is KillReason.FAULT
        return not self.draining or self.process.exitcode != 0

    def close(self) -> None:
        """Release what the supervisor holds open for the process."""
        self.connection.close()
        self.stacks.close()


def launch(launcher: Launcher, config: ChildConfig) -> ChildHandle:
    """Start a child process; it reports Ready over its pipe.

    Raises EOFError or OSError if the process that forks children is gone or cannot fork.
    """
    ours, theirs = multiprocessing.Pipe()
    with theirs:
        ours.send(config)
        process, memory, stacks = launcher.launch(theirs, size_for(config.worker.slots))
    counters, board = parts_of(memory)
    return ChildHandle(
        config=config,
        process=process,
        connection=ours,
        counters=counters,
        board=board,
        stacks=stacks,
        pid=process.pid,
    )
