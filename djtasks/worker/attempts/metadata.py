"""The metadata of a running attempt: a dict that its task reads, changes and saves."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections

from djtasks.errors import LeaseLost
from djtasks.formats.foreign import object_of
from djtasks.formats.json_values import encode_metadata, encode_sorted
from djtasks.protocol.records import Claim
from djtasks.store import Store

logger = logging.getLogger("djtasks.worker")


@dataclass(slots=True, eq=False)
class Metadata:
    """`values` is what the task sees and changes.

    `saved` is the JSON text that was saved last, None if nothing was. `uncommitted` is one that
    was saved in a transaction, until that commits; `_is_open` tells whether it still may.
    """

    claim: Claim
    store: Store
    worker: UUID
    limit: int | None
    values: dict[str, Any] = field(init=False)
    saved: str | None = None
    uncommitted: str | None = None
    _is_open: Callable[[], bool] = bool

    def __post_init__(self) -> None:
        self.values = object_of(self.claim.metadata)

    def save(self) -> None:
        """Store the values in the caller's transaction; see `Context.save_metadata`."""
        text = self._text()
        if not self.store.save_metadata(self.claim, text, worker=self.worker):
            raise LeaseLost(
                f"Task {self.claim.id} is owned by another execution now. The metadata of this one "
                f"is not saved."
            )
        connection: Any = connections[self.store.database]
        if connection.in_atomic_block:
            self._await_commit(connection, text)
        else:
            self._on_saved(text)

    def _await_commit(self, connection: Any, text: str) -> None:
        self.uncommitted = text
        on_saved = partial(self._on_saved, text)
        connection.on_commit(on_saved)
        self._is_open = lambda: any(
            callback is on_saved for _savepoints, callback, *_ in connection.run_on_commit
        )

    def _on_saved(self, text: str) -> None:
        self.saved, self.uncommitted = text, None

    def at_end(self) -> str | None:
        """Return the JSON text to store when the attempt ends; None if nothing has changed.

        What was saved in a transaction that rolled back is lost like everything in it, unless the
        task has changed the values since. Values that cannot be stored are logged, and what was
        saved before them stays: the task has done its work, whatever it notes about it.
        """
        try:
            text = self._text()
            before = object_of(self.claim.metadata)
            is_changed = encode_sorted(self.values, "metadata") != encode_sorted(before, "metadata")
        except BaseException:  # the values may bring along code that raises anything
            logger.exception(
                "Metadata not stored path=%s id=%s", self.claim.task_path, self.claim.id
            )
            return self.saved
        if text == self.uncommitted and not self._is_open():
            return self.saved
        return text if is_changed or self.saved is not None else None

    def _text(self) -> str:
        return encode_metadata(self.claim.task_path, self.values, limit=self.limit)
