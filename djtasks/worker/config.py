"""The configuration of a worker, as sent to its child processes."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from djtasks.options import MISSED_HEARTBEATS

# If a task still runs this long after its time limit, its process is ended.
HANG_GRACE = timedelta(seconds=5)
WATCHDOG = timedelta(seconds=60)
SCANS_BEFORE_DEAD = MISSED_HEARTBEATS
# A stop that lasts this much longer than the grace ends the process, whatever holds it up.
STOP_MARGIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """Where a process publishes its health. `file` None: no file. `port` None: no HTTP port."""

    file: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """The flags of `runworker`.

    `queues` None: all queues of the alias, in a new random order each time; a tuple: only these,
    in strict order. `processes` 0: run everything in this process. `max_memory` in bytes. `beat`:
    whether this worker also fires schedules. `probes`: where it publishes its health. A stop may
    last for `grace` and `stop_margin` together.
    """

    backend: str
    queues: tuple[str, ...] | None = None
    processes: int = 1
    threads: int = 8
    async_slots: int = 100
    burst: bool = False
    grace: timedelta = timedelta(seconds=25)
    stop_margin: timedelta = STOP_MARGIN
    max_tasks: int | None = None
    max_memory: int | None = None
    beat: bool = True
    verbose: bool = False
    probes: ProbeConfig = ProbeConfig()

    @property
    def slots(self) -> int:
        """The number of tasks that one child may run at once."""
        return self.threads + self.async_slots


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """The configuration of one child. `alone`: a new process that runs a single suspect."""

    worker: WorkerConfig
    supervisor: UUID
    alone: bool = False
