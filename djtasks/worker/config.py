"""What a worker was asked to be; sent to its children as it is."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from djtasks.options import MISSED_HEARTBEATS

# Python code that has not yielded this long after its time limit costs its process.
HANG_GRACE = timedelta(seconds=5)
WATCHDOG = timedelta(seconds=60)
SCANS_BEFORE_DEAD = MISSED_HEARTBEATS


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """Where a process shows how it is. `file` None: no file. `port` None: it does not listen."""

    file: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """The flags of `runworker`.

    `queues` None: all of the alias, in a random order each time; a tuple: only these, in
    strict order. `processes` 0: everything in this process. `max_memory` in bytes. `beat`:
    whether this worker also fires schedules. `probes`: how it shows whether it makes progress.
    """

    backend: str
    queues: tuple[str, ...] | None = None
    processes: int = 1
    threads: int = 8
    async_slots: int = 100
    burst: bool = False
    grace: timedelta = timedelta(seconds=25)
    max_tasks: int | None = None
    max_memory: int | None = None
    beat: bool = True
    verbose: bool = False
    probes: ProbeConfig = ProbeConfig()

    @property
    def slots(self) -> int:
        """How many tasks one child may run at once."""
        return self.threads + self.async_slots


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """What one child is told at its start. `alone`: a fresh process for one suspect."""

    worker: WorkerConfig
    supervisor: UUID
    alone: bool = False
    dump_path: str = ""
