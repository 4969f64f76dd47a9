"""What travels between store and worker: frozen values instead of rows.

Structs, since several are made a task: a frozen dataclass of this size takes 4 to 6 µs to make,
one of these 0.2, and `gc=False` (they hold no cycles) keeps thousands of them from the collector.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from djtasks.formats.json_values import decode
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.states import State

# Until Python 3.12 each look at a member of an enumeration is a call of Python code.
_SUCCESSFUL = State.SUCCESSFUL


class NewRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record to insert. `args` and `kwargs` are JSON texts.

    `run_after` and `delay` both None: due at once, by the database's clock. `expires` is a
    moment, or a span counted by that clock. `unique_key` None: nothing to compare with.
    `target` names the object it is about.
    `schedule` and `due_at`: the tick that made it.
    """

    id: UUID
    backend: str
    task_path: str
    queue: str
    priority: int
    args: str
    kwargs: str
    max_attempts: int = 1
    max_crashes: int = 3
    run_after: datetime | None = None
    delay: timedelta | None = None
    expires: datetime | timedelta | None = None
    timeout: timedelta | None = None
    unique_key: str | None = None
    target: str | None = None
    schedule: int | None = None
    due_at: datetime | None = None


class Inserted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the insert made of a NewRecord.

    `holder` is the row of the live record that holds the unique key, and all else is told of
    that one; None when the record was inserted.
    """

    id: UUID
    enqueued_at: datetime
    run_after: datetime
    holder: Any = None

    @property
    def is_new(self) -> bool:
        return self.holder is None

    def hint_for(self, record: NewRecord) -> Hint:
        """Return the hint of this record."""
        return Hint(self.id, record.queue, score_of(record.priority, self.run_after))


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One attempt at one record, owned by this worker while its fence is the newest.

    `args` and `kwargs` are JSON texts; `attempt` counts the attempts before this one;
    `waited` is the time from due to claimed and `timeout` the limit, in seconds; a timeout of
    None is no limit. `enqueued_at` is in seconds since 1970. `errors` and `worker_ids` are the
    JSON texts of earlier attempts. The order of the fields is that of the store's columns.
    """

    id: UUID
    fence: int
    task_path: str
    queue: str
    priority: int
    args: str
    kwargs: str
    attempt: int
    crash_count: int
    max_attempts: int
    max_crashes: int
    timeout: float | None
    waited: float
    is_expired: bool
    enqueued_at: float
    errors: str | None
    worker_ids: str | None

    @property
    def is_suspect(self) -> bool:
        """Whether the next crash would be its last, so that it must run alone."""
        return self.crash_count == self.max_crashes - 1 > 0


class Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of a settle: who owns it, and the verdict in the store's terms.

    `value`, `error` (an entry for the errors) and `progress` are JSON texts, `delay` is in
    seconds from the database's clock, `deletes` is the task's `store` policy at work and
    `started` False means that the attempt never began. A failure has a `fingerprint` that it
    shares with those of its kind, and the `place` in the project's code where it came from.
    """

    id: UUID
    fence: int
    state: State
    value: str | None = None
    error: str | None = None
    progress: str | None = None
    delay: float | None = None
    spent: bool = True
    started: bool = True
    deletes: bool = False
    task_path: str = ""
    fingerprint: str | None = None
    place: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether an attempt was made and returned, and there is nothing else to write."""
        return (
            self.state is _SUCCESSFUL
            and self.progress is None
            and self.spent
            and self.started
            and not self.deletes
        )


class Released(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record that a dead or draining worker no longer owns, and where it went.

    `lost` says why it is FAILED, where it is.
    """

    id: UUID
    state: State
    task_path: str
    backend: str
    hint: Hint | None
    lost: Settlement | None = None


def decode_call(source: Claim | NewRecord) -> tuple[list[Any], dict[str, Any]]:
    """Return positional and keyword arguments, as the task will see them."""
    return decode(source.args), decode(source.kwargs)
