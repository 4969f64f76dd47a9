"""Keep the index in step with what an operation has changed.

It saves time, not tasks: the indexer adds hints that are missing, and no claim accepts one that is
dead.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.states import State

# Where the hint of a record is: its id, its TASKS alias and its queue.
PLACE = ("pk", "backend", "queue")
Place = tuple[UUID, str, str]


def update_hints(engine: Engine, ids: Sequence[UUID]) -> None:
    """Push the hints of READY records that are due, and withdraw those of the others."""
    ready = TaskRecord.objects.using(engine.database).filter(pk__in=list(ids), state=State.READY)
    now = engine.now()
    due: dict[str, list[Hint]] = {}
    later: list[Place] = []
    for pk, backend, queue, priority, run_after in ready.values_list(
        *PLACE, "priority", "run_after"
    ):
        if run_after <= now:
            hint = Hint(pk, queue, score_of(priority, run_after))
            due.setdefault(backend, []).append(hint)
        else:
            later.append((pk, backend, queue))
    for backend, hints in due.items():
        engine_of(backend).outbox.publish(hints)
    withdraw(later)


def places_of(found: Any) -> list[Place]:
    """Return where the hints of the records in a query are."""
    return list(found.values_list(*PLACE))


def withdraw(places: Iterable[Place]) -> None:
    """Withdraw the hints of records that can no longer run, so that no worker pops them.

    Records of a TASKS alias that the settings no longer have are left out.
    """
    ids: dict[tuple[str, str], list[UUID]] = {}
    for pk, backend, queue in places:
        ids.setdefault((backend, queue), []).append(pk)
    ours = our_aliases() if ids else []
    for (backend, queue), gone in ids.items():
        if backend in ours:
            engine_of(backend).outbox.withdraw(queue, gone)
