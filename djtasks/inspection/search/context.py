"""The context of a search: the clock, tasks, workers and schedules, and what is hidden."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.inspection.visibility import Visibility
from djtasks.models import Schedule, WorkerRecord, WorkflowNode

if TYPE_CHECKING:
    from djtasks.inspection.search.keys import SearchKey

_MOST = 20
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchContext:
    """The context that a search is parsed in.

    `workers` and `schedules` return the ids for a name, `nodes` those of a workflow.
    `hides` returns whether arguments of a name are hidden from everybody. Times without a zone are
    in `zone`. `visibility`: what the user may see, and so search by. `keys`: the search keys that
    are allowed, by name.
    """

    now: datetime
    zone: tzinfo
    tasks: Sequence[Task[..., Any]]
    hides: Callable[[str], bool]
    visibility: Visibility
    workers: Callable[[str], list[UUID]]
    schedules: Callable[[str], list[int]]
    nodes: Callable[[UUID], list[int]]
    keys: "Mapping[str, SearchKey]"


def search_context(
    engine: Engine, *, visibility: Visibility, keys: "Mapping[str, SearchKey]"
) -> SearchContext:
    """Return the context of a search on one TASKS alias, as of now."""
    tasks = [engine.with_policy(task) for task in registry.all_tasks()]
    sensitive = {name for task in tasks for name in (*task.sensitive, *task.encrypted)}
    pattern = re.compile(engine.options.redact, re.IGNORECASE) if engine.options.redact else None
    return SearchContext(
        now=engine.store.now(),
        zone=timezone.get_current_timezone(),
        tasks=tasks,
        hides=lambda name: name in sensitive or bool(pattern and pattern.search(name)),
        visibility=visibility,
        workers=lambda name: _workers(engine, name),
        schedules=lambda name: _schedules(engine, name),
        nodes=lambda workflow: _nodes(engine, workflow),
        keys=keys,
    )


def _workers(engine: Engine, name: str) -> list[UUID]:
    """Return the registered workers of a host, or the one called host:pid."""
    host, _colon, pid = name.rpartition(":")
    called = Q(host=name)
    if host and pid.isascii() and pid.isdigit():
        called |= Q(host=host, pid=min(int(pid[:12]), 2**31 - 1))
    rows = WorkerRecord.objects.using(engine.database).filter(called, backend=engine.alias)
    return list(rows.values_list("pk", flat=True)[:_MOST])


def _schedules(engine: Engine, name: str) -> list[int]:
    """Return the schedules with this name, or the one with this number."""
    called = Q(name=name)
    if name.isascii() and name.isdigit() and int(name[:20]) <= _LARGEST_ID:
        called |= Q(pk=int(name[:20]))
    rows = Schedule.objects.using(engine.database).filter(called, backend=engine.alias)
    return list(rows.values_list("pk", flat=True)[:_MOST])


def _nodes(engine: Engine, workflow: UUID) -> list[int]:
    """Return the nodes of a workflow: an index leads from them to its tasks."""
    rows = WorkflowNode.objects.using(engine.database).filter(workflow=workflow)
    return list(rows.order_by("number").values_list("pk", flat=True))
