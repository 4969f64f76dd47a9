"""What failed in a workflow, in groups of equal failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from djtasks.engine import Engine
from djtasks.inspection.attempts import attempts_of
from djtasks.inspection.workflows.facts import WorkflowFacts
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

MOST_GROUPS = 5
MOST_READ = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFailure:
    """Failed tasks of a workflow with one exception from one place; `task` is the newest.

    `message` and `place` are those of the newest. Of more than 2,000 failed tasks, `count` is that
    among 2,000 of them.
    """

    node: str
    task_path: str
    exception: str
    message: str
    place: str
    count: int
    task: UUID
    first_at: datetime | None
    last_at: datetime | None


def failures_in(engine: Engine, facts: WorkflowFacts) -> list[WorkflowFailure]:
    """Return the five largest groups of failures; two queries, or none if nothing failed."""
    names = {node.id: node.name for node in facts.nodes if node.counts.failed}
    if not names:
        return []
    failed = TaskRecord.objects.using(engine.database).filter(
        node__in=list(names), state=State.FAILED
    )
    rows = failed.order_by("node", "place").values_list("pk", "node", "fingerprint", "finished_at")[
        :MOST_READ
    ]
    groups: dict[tuple[int, str], list[tuple[UUID, datetime | None]]] = {}
    for pk, node, fingerprint, at in rows:
        groups.setdefault((node or 0, fingerprint or ""), []).append((pk, at))
    largest = sorted(groups.values(), key=len, reverse=True)[:MOST_GROUPS]
    newest = [max(group, key=_when)[0] for group in largest]
    records = TaskRecord.objects.using(engine.database).in_bulk(newest)
    return [
        _group(records[pk], group, names, facts.now)
        for pk, group in zip(newest, largest, strict=True)
        if pk in records
    ]


def _when(member: tuple[UUID, datetime | None]) -> tuple[float, UUID]:
    pk, at = member
    return (at.timestamp() if at else 0.0, pk)


def _group(
    row: TaskRecord,
    group: Sequence[tuple[UUID, datetime | None]],
    names: dict[int, str],
    now: datetime,
) -> WorkflowFailure:
    moments = [at for _pk, at in group if at is not None]
    ended = [one for one in attempts_of(row, now) if one.exception]
    last = ended[-1] if ended else None
    frame = last.frames[-1] if last and last.frames else None
    return WorkflowFailure(
        node=names.get(row.node or 0, ""),
        task_path=row.task_path,
        exception=last.exception.rpartition(".")[2] if last else "",
        message=last.message if last else "",
        place=f"{frame.file}:{frame.line} in {frame.function}" if frame else "",
        count=len(group),
        task=row.pk,
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
    )
