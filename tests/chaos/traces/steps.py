"""What happens in a trace, one step a function."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint
from djtasks.protocol.records import NewRecord
from djtasks.protocol.states import State
from djtasks.worker.config import SCANS_BEFORE_DEAD
from djtasks.worker.duties.reaper import Reaper
from tests.chaos import tasks
from tests.chaos.machine import Child, Installation


def enqueue(site: Installation, *, pushed: bool = True, **more: Any) -> UUID:
    """Insert a record, with `more` of its fields, and push its hint."""
    record = NewRecord(
        id=new_id(),
        backend="default",
        task_path=tasks.told.module_path,
        queue="default",
        priority=0,
        args="[]",
        kwargs="{}",
        **more,
    )
    inserted = site.store.insert(record)
    if pushed:
        site.broker.push([inserted.hint_for(record)])
    return record.id


def row(id_: UUID) -> TaskRecord:
    return TaskRecord.objects.get(pk=id_)


def state(id_: UUID) -> State:
    return State(row(id_).state)


def index(site: Installation) -> None:
    """Push a hint for whatever is READY, as if it had been lost."""
    ready = TaskRecord.objects.filter(state=State.READY).values_list("pk", flat=True)
    site.broker.push([Hint(id_, "default", 0) for id_ in ready])


def run(child: Child, *, raises: bool = False, fate: str = "arrives") -> None:
    """Start what this child has claimed, let it end, and settle."""
    running = child.start()
    tasks.told_to_raise = raises
    child.finish(running.id)
    child.settle(fate)


def reaper_of(site: Installation, write: Callable[[], bool] = lambda: True) -> Reaper:
    return Reaper(site.engine(site.store), write=write)


def look(reaper: Reaper, *living: Child, times: int = SCANS_BEFORE_DEAD + 1) -> None:
    """Let the reaper look so often, while these workers beat."""
    for _ in range(times):
        for child in living:
            child.heartbeat()
        reaper.scan()
