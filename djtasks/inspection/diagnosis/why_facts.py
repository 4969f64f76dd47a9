"""The facts that tell why a task is not running."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from djtasks.brokers import Problem
from djtasks.inspection.diagnosis.doors import DoorFacts
from djtasks.inspection.diagnosis.facts import QueuePause, WorkerFacts
from djtasks.inspection.queue_position import Ahead
from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyFacts:
    """The facts for `why_not_running`, as of `now`, by the database's clock.

    `workers`: live ones that serve its queue. `slots`: their free ones of its kind, and all of its
    kind. `draining`: those that are draining. `silent`: those that seem to have died. `problems`:
    those of the broker. `is_known` None: this process cannot tell whether workers have its code.
    `ahead` None: not counted, because it is not due. `refused`: a worker without its code took it.
    `mismatch`: why the call does not fit the function of that worker. `lacks_key`: why that
    worker could not decrypt its arguments. `policy`: the pattern of the policy in the settings
    that gives the task its options, or "". `door`: that of a WAITING one.
    """

    now: datetime
    id: UUID
    task_path: str
    queue: str
    state: State
    attempt: int
    max_attempts: int
    run_after: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    expires_at: datetime | None
    worker: WorkerFacts | None
    owner: UUID | None
    last_error: str
    pause: QueuePause | None
    workers: Sequence[WorkerFacts]
    slots: tuple[int, int]
    draining: Sequence[WorkerFacts] = ()
    silent: Sequence[WorkerFacts]
    backend: str
    problems: Sequence[Problem]
    is_known: bool | None
    refused: bool
    mismatch: str = ""
    lacks_key: str = ""
    policy: str = ""
    ahead: Ahead | None
    door: DoorFacts | None = None
