"""The values that store and worker exchange: frozen structs instead of rows.

Structs, since several are made a task: a frozen dataclass of this size takes 4 to 6 µs to make,
one of these 0.2, and `gc=False` (they hold no cycles) keeps thousands of them from the collector.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from djtasks.formats.json_values import decode
from djtasks.formats.sealing import masked
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.states import State
from djtasks.protocol.workflows import Membership

# Until Python 3.12 each look at a member of an enumeration is a call of Python code.
_SUCCESSFUL = State.SUCCESSFUL


class NewRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record to insert. `args`, `kwargs`, `tags` and `metadata` are JSON texts.

    If `run_after` and `delay` are both None, it is due at once, by the database's clock. `expires`
    is a moment, or a duration by that clock. `unique_key` None means that it is not unique; a live
    record with one of `earlier_keys` holds it too, under an earlier SECRET_KEY.
    `target` names the object it is about, `parent` the task that enqueued it. `schedule` and
    `due_at` are those of the tick that created it. A member of a workflow has a `member`, and is
    WAITING.
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
    earlier_keys: tuple[str, ...] = ()
    target: str | None = None
    parent: UUID | None = None
    tags: str | None = None
    metadata: str | None = None
    schedule: int | None = None
    due_at: datetime | None = None
    member: Membership | None = None


class Inserted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result of inserting a NewRecord.

    `holder` is None if the record was inserted. Otherwise it is the row of the live record that
    holds the unique key, and the other fields are those of that row.
    """

    id: UUID
    enqueued_at: datetime
    run_after: datetime
    holder: Any = None

    @property
    def is_new(self) -> bool:
        return self.holder is None

    def hint_for(self, record: NewRecord) -> Hint:
        """Return the hint for this record."""
        return Hint(self.id, record.queue, score_of(record.priority, self.run_after))


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One attempt at one record, owned by this worker while its fence is the newest.

    `args` and `kwargs` are JSON texts; `attempt` counts the attempts before this one;
    `waited` is the time from due to claimed and `timeout` the limit, in seconds; a timeout of
    None is no limit. `enqueued_at` is in seconds since 1970. `errors` and `worker_ids` are the
    JSON texts of earlier attempts. `workflow` is that of a member, and `inputs` are its
    arguments that are results of other nodes, as JSON text. The order of the fields is that of the
    store's columns.

    `metadata` is a JSON text, or None. The claim brings it along, since a coroutine cannot wait for
    a query behind an attribute, and middleware asks for the metadata of each task. A claim of 100
    records without any takes as long as before (measured); the index entries of the UPDATE decide.
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
    metadata: str | None = None
    workflow: UUID | None = None
    inputs: str | None = None

    @property
    def must_run_isolated(self) -> bool:
        """Whether the next crash would be its last, so it must run alone."""
        return self.crash_count == self.max_crashes - 1 > 0


class Owned(Protocol):
    """A claim, or the row of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def fence(self) -> int: ...
    @property
    def task_path(self) -> str: ...
    @property
    def workflow(self) -> UUID | None: ...


class Notes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an attempt records besides its verdict.

    `error` (an entry for the errors), `progress` and `metadata` (None: unchanged) are JSON texts.
    A failure has a `fingerprint`, which failures of its kind share, and the `place` in the
    project's code that raised it. `store` is the task's policy, which decides whether the finished
    record is deleted. A member of a workflow is kept in any case, since what comes after it may
    read it.
    """

    error: str | None = None
    progress: str | None = None
    metadata: str | None = None
    fingerprint: str | None = None
    place: str = ""
    store: str = "all"


_NOTHING = Notes()


def _keeps_none(owned: Owned, notes: Notes) -> bool:
    return notes.store == "none" and owned.workflow is None


class Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of a settle: who owns it, and the verdict in the store's terms.

    `value` is JSON text. `delay` is in seconds from the database's clock. `spent` says that an
    attempt was used up; `started` False says that it never began. `deletes` says that the task's
    `store` policy deletes the record. For the others, see Notes. Create it with the methods that
    are named for verdicts, which set only fields that belong together.
    """

    id: UUID
    fence: int
    state: State
    value: str | None = None
    error: str | None = None
    progress: str | None = None
    metadata: str | None = None
    delay: float | None = None
    spent: bool = True
    started: bool = True
    deletes: bool = False
    task_path: str = ""
    fingerprint: str | None = None
    place: str = ""

    @classmethod
    def succeeded(
        cls, owned: Owned, value: str | None = None, notes: Notes = _NOTHING
    ) -> "Settlement":
        """The task returned."""
        return cls(
            id=owned.id,
            fence=owned.fence,
            task_path=owned.task_path,
            state=_SUCCESSFUL,
            value=value,
            progress=notes.progress,
            metadata=notes.metadata,
            deletes=notes.store != "all" and owned.workflow is None,
        )

    @classmethod
    def failed(cls, owned: Owned, notes: Notes) -> "Settlement":
        """The task failed for good."""
        return cls._failure(owned, notes, state=State.FAILED, deletes=_keeps_none(owned, notes))

    @classmethod
    def retry(cls, owned: Owned, delay: timedelta, notes: Notes) -> "Settlement":
        """The task failed and will be retried."""
        return cls._failure(owned, notes, state=State.READY, delay=delay.total_seconds())

    @classmethod
    def lost(cls, owned: Owned, notes: Notes) -> "Settlement":
        """The process died while it ran the task, which will not be retried."""
        return cls._failure(owned, notes, state=State.FAILED, spent=False)

    @classmethod
    def cancelled(cls, owned: Owned, notes: Notes) -> "Settlement":
        """The task was cancelled while it ran, or has cancelled itself."""
        return cls(
            id=owned.id,
            fence=owned.fence,
            task_path=owned.task_path,
            state=State.CANCELLED,
            error=notes.error,
            progress=notes.progress,
            metadata=notes.metadata,
            deletes=_keeps_none(owned, notes),
        )

    @classmethod
    def expired(cls, owned: Owned, notes: Notes) -> "Settlement":
        """The record was claimed too late, so it did not run."""
        return cls._unrun(owned, notes, state=State.EXPIRED, deletes=_keeps_none(owned, notes))

    @classmethod
    def refused(cls, owned: Owned, delay: timedelta | None, notes: Notes) -> "Settlement":
        """This worker has no code for the record: retry it after `delay`; None means FAILED."""
        if delay is None:
            return cls._unrun(owned, notes, state=State.FAILED)
        return cls._unrun(owned, notes, state=State.READY, delay=delay.total_seconds())

    @classmethod
    def _failure(cls, owned: Owned, notes: Notes, **verdict: Any) -> "Settlement":
        return cls(
            id=owned.id,
            fence=owned.fence,
            task_path=owned.task_path,
            error=notes.error,
            progress=notes.progress,
            metadata=notes.metadata,
            fingerprint=notes.fingerprint,
            place=notes.place,
            **verdict,
        )

    @classmethod
    def _unrun(cls, owned: Owned, notes: Notes, **verdict: Any) -> "Settlement":
        return cls(
            id=owned.id,
            fence=owned.fence,
            task_path=owned.task_path,
            error=notes.error,
            spent=False,
            started=False,
            **verdict,
        )

    @property
    def is_plain(self) -> bool:
        """Whether the attempt succeeded and there is nothing else to write."""
        return (
            self.state is _SUCCESSFUL
            and self.progress is None
            and self.metadata is None
            and self.spent
            and self.started
            and not self.deletes
        )


class Released(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record that a dead or draining worker no longer owns, and where it went.

    If the record is FAILED, `lost` says why.
    """

    id: UUID
    state: State
    task_path: str
    backend: str
    hint: Hint | None
    lost: Settlement | None = None


def decode_call(source: Claim | NewRecord) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments of a call.

    `[encrypted]` stands for encrypted ones; only `Running.call` decrypts them.
    """
    args, kwargs = decode(source.args), decode(source.kwargs)
    return (args, kwargs) if type(kwargs) is dict else masked(args, kwargs)
