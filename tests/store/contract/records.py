"""Records for the conformance suite of stores: inserted, claimed, and read back."""

from typing import Any
from uuid import UUID

from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.records import Claim, NewRecord
from djtasks.store.base import Store

PATH = "shop.tasks.pack"


def new_record(store: Store, **changes: Any) -> NewRecord:
    """Return a record that is due at once, not inserted yet."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "backend": store.backend,
        "task_path": PATH,
        "queue": "default",
        "priority": 0,
        "args": "[1]",
        "kwargs": '{"gift": true}',
    }
    return NewRecord(**fields | changes)


def insert(store: Store, **changes: Any) -> UUID:
    """Insert a record that is due at once; return its id."""
    return store.insert(new_record(store, **changes)).id


def claim(store: Store, id_: UUID, worker: UUID) -> Claim:
    """Claim one record that can be claimed."""
    (claimed,) = store.claim([id_], worker=worker, queues=None)
    return claimed


def insert_claimed(store: Store, worker: UUID, **changes: Any) -> Claim:
    """Insert a record and claim it for `worker`."""
    return claim(store, insert(store, **changes), worker)


def row_of(store: Store, id_: UUID) -> Any:
    """Return the row as the database has it now."""
    return rows(store).get(pk=id_)


def rows(store: Store) -> Any:
    """Return all rows of the store's database."""
    return TaskRecord.objects.using(store.database)


def request_cancel(store: Store, id_: UUID) -> None:
    """Ask for a running record to be cancelled."""
    assert rows(store).filter(pk=id_).update(cancel_requested=True) == 1
