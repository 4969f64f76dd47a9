"""The progress of bulk actions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from djtasks.engine import Engine
from djtasks.formats.foreign import counts_in, object_in
from djtasks.models import BulkAction


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFacts:
    """One bulk action. `planned` is how many records matched when it was started.

    `refusals` maps each reason why records were not changed to their number. `stopped`: somebody
    asked it to stop. `task` is the id of the record that runs it.
    """

    id: UUID
    action: str
    selection: dict[str, Any]
    options: dict[str, Any]
    by: str
    task: UUID | None
    planned: int
    changed: int
    refused: int
    refusals: dict[str, int]
    stopped: bool
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.finished_at is not None

    @property
    def share(self) -> float:
        """Return its progress, from 0 to 1."""
        if self.is_over:
            return 1.0
        return min((self.changed + self.refused) / self.planned, 1.0) if self.planned else 0.0


def bulk_action(engine: Engine, action_id: UUID) -> BulkFacts | None:
    """Return one bulk action, or None when there is none."""
    row = _rows(engine).filter(pk=action_id).first()
    return None if row is None else _facts(row)


def bulk_actions(engine: Engine, *, limit: int = 20) -> list[BulkFacts]:
    """Return the newest bulk actions, newest first."""
    return [_facts(row) for row in _rows(engine).order_by("-pk")[:limit]]


def _rows(engine: Engine) -> Any:
    return BulkAction.objects.using(engine.database).filter(backend=engine.alias)


def _facts(row: BulkAction) -> BulkFacts:
    return BulkFacts(
        id=row.pk,
        action=row.action,
        selection=object_in(row.selection),
        options=object_in(row.options),
        by=row.by,
        task=row.task,
        planned=row.planned,
        changed=row.changed,
        refused=row.refused,
        refusals=counts_in(row.refusals),
        stopped=row.stop_requested,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
