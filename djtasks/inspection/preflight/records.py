"""Bind the call of every live record to the code of this process."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from djtasks.definitions import registry
from djtasks.definitions.fitting import misfit, shape_of
from djtasks.engine import Engine
from djtasks.inspection.preflight.troubles import Troubles
from djtasks.models import TaskRecord
from djtasks.protocol.states import LIVE
from djtasks.store import queue_database

PAGE = 1_000
# Kinds of calls that are remembered; tasks with **kwargs may have any number of them.
_MOST_REMEMBERED = 10_000

# What is wrong with all calls of one kind: the kind of trouble and the reason.
_Verdict = list[tuple[str, str]]


class _Stored(NamedTuple):
    """The columns of a record that its call is bound by."""

    pk: UUID
    backend: str
    task_path: str
    queue: str
    args: Any
    kwargs: Any
    inputs: Any = None

    @property
    def is_whole(self) -> bool:
        """Whether no result of another node will take the place of an argument."""
        return self.inputs is None


def live_records(alias: str | None = None) -> Any:
    """Return the records that this code may still run; `alias` None: of every alias, served or not.

    Those that run belong to them: a deploy gives them back to workers with the new code.
    """
    records = TaskRecord.objects.using(queue_database()).filter(state__in=LIVE)
    return records if alias is None else records.filter(backend=alias)


def check_records(
    engines: Mapping[str, Engine], troubles: Troubles, *, alias: str | None = None
) -> Iterator[int]:
    """Check every live record, and yield after each page how many there were.

    Reads pages in the order of ids, each in a statement of its own: holds no transaction open,
    locks nothing, and takes no more memory for a million records than for a thousand. Leaves out
    what is enqueued meanwhile.
    """
    binder = _Binder(engines)
    for after, last in _pages():
        page = live_records(alias).filter(pk__gt=after, pk__lte=last)
        rows = [_Stored(*row) for row in page.values_list(*_Stored._fields)]
        for row in rows:
            for kind, reason in binder.verdict(row):
                troubles.add(kind, row.backend, row.task_path, reason, example=row.pk)
        yield len(rows)


def _pages() -> Iterator[tuple[UUID, UUID]]:
    """Yield, for each page of records, live or not, the id before it and its last one.

    Not LIMIT with a condition on the state: where statistics know few live records, as before a
    backlog, PostgreSQL would read the whole table for each page (0.7 s for a million).
    """
    ids = TaskRecord.objects.using(queue_database()).order_by("pk").values_list("pk", flat=True)
    newest, after = ids.last(), UUID(int=0)
    while newest is not None and after != newest:
        rest = ids.filter(pk__gt=after, pk__lte=newest)
        last = rest[PAGE - 1 : PAGE].first() or newest
        yield after, last
        after = last


class _Binder:
    """Binds each kind of call once: a million calls of a task mostly have the same shape."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines
        self._known: dict[Hashable, _Verdict] = {}

    def verdict(self, row: _Stored) -> _Verdict:
        engine = self._engines.get(row.backend)
        task = engine.find(row.task_path) if engine is not None else None
        shape = shape_of(task, row.args, row.kwargs, is_whole=row.is_whole)
        key = (row.backend, row.task_path, row.queue, shape)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[key] = list(self._bind(row))
        return known

    def _bind(self, row: _Stored) -> Iterator[tuple[str, str]]:
        _pk, backend, path, queue, args, kwargs, _inputs = row
        engine = self._engines.get(backend)
        if engine is None:
            yield "backend", f"djtasks serves no alias {backend!r} in TASKS, so nobody runs these."
            return
        if engine.queues and queue not in engine.queues:
            yield (
                "queue",
                f"{queue!r} is not in QUEUES of TASKS[{backend!r}], so no worker takes from it.",
            )
        task = engine.find(path)
        if task is None:
            yield "task", str(registry.unknown(path))
        elif reason := misfit(path, task, args, kwargs, is_whole=row.is_whole):
            yield "arguments", str(reason)
