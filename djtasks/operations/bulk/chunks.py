"""What a bulk action does to one chunk of ids: one statement, with its condition on the rows."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from djtasks.operations.bulk.options import Wishes
from djtasks.operations.tasks import (
    cancel,
    push_due,
    records,
    retry,
    revival,
)
from djtasks.protocol.states import FINAL, REVIVABLE, State
from djtasks.store import open_store, queue_database

# A spread is a statement a due time: a hundred records share one.
_A_MOMENT = 100
Window = tuple[float, float]
_NOT_REVIVABLE = "It is neither failed, cancelled nor expired."
_KEY_TAKEN = "Another live task holds its unique key."
_NOT_LIVE = "It is final already."
_RUNNING = "It is running: cancel it first."
_NOT_READY = "It is not ready."
_NOT_FINAL = "It is not final."


@dataclass(slots=True)
class Tally:
    """What became of a chunk; `refused` counts by reason."""

    changed: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def apply(action: str, ids: Sequence[UUID], wishes: Wishes, *, window: Window) -> Tally:
    """Do one action to these records, which are from `window[0]` to `window[1]` of all (0 to 1)."""
    return ACTIONS[action](ids, wishes, window)


def _retry(ids: Sequence[UUID], wishes: Wishes, window: Window) -> Tally:
    tally = Tally()
    given: dict[str, Any] = {"queue": wishes.queue, "priority": wishes.priority}
    changes = {column: value for column, value in given.items() if value is not None}
    for part, run_after in _spread(ids, wishes, window):
        wanted = {**changes, "run_after": run_after}
        tally.changed += _revivable(part, key__isnull=True).update(**revival(wanted))
        revived, taken = _retry_keyed(part, wanted)
        tally.changed += revived
        tally.refused[_KEY_TAKEN] += taken
    tally.refused[_NOT_REVIVABLE] += len(ids) - tally.changed - tally.refused.total()
    push_due(ids)
    return tally


def _retry_keyed(part: Sequence[UUID], wanted: dict[str, Any]) -> tuple[int, int]:
    """Return how many records with a unique key were revived, and of how many it was taken."""
    rows = _revivable(part, key__isnull=False)
    keyed = list(rows.values_list("pk", flat=True))
    if not keyed:
        return 0, 0
    try:
        with transaction.atomic(using=queue_database()):
            return rows.update(**revival(wanted)), 0
    except IntegrityError:
        # One of them is taken, perhaps by another of them: each on its own.
        done = retry(keyed, **wanted)
        return len(done.changed), len(done.refused)


def _revivable(part: Sequence[UUID], **condition: Any) -> Any:
    return records().filter(pk__in=part, state__in=REVIVABLE, **condition)


def _reschedule(ids: Sequence[UUID], wishes: Wishes, window: Window) -> Tally:
    changed = 0
    for part, run_after in _spread(ids, wishes, window):
        ready = records().filter(pk__in=part, state=State.READY)
        changed += ready.update(run_after=run_after)
    push_due(ids)
    return _tally(ids, changed, _NOT_READY)


def _spread(
    ids: Sequence[UUID], wishes: Wishes, window: Window
) -> list[tuple[Sequence[UUID], datetime]]:
    """Return the ids in parts, each with its due time."""
    start = wishes.run_after or open_store("").now()
    if not wishes.spread:
        return [(ids, start)]
    begin, end = window
    return [
        (ids[at : at + _A_MOMENT], start + wishes.spread * (begin + (end - begin) * at / len(ids)))
        for at in range(0, len(ids), _A_MOMENT)
    ]


def _cancel(ids: Sequence[UUID], _wishes: Wishes, _window: Window) -> Tally:
    return _tally(ids, cancel(ids), _NOT_LIVE)


def _discard(ids: Sequence[UUID], _wishes: Wishes, _window: Window) -> Tally:
    return _tally(ids, _delete(ids, frozenset(State) - {State.RUNNING}), _RUNNING)


def _delete_final(ids: Sequence[UUID], _wishes: Wishes, _window: Window) -> Tally:
    return _tally(ids, _delete(ids, FINAL), _NOT_FINAL)


def _delete(ids: Sequence[UUID], states: frozenset[State]) -> int:
    gone = records().filter(pk__in=ids, state__in=states)
    count: int = gone._raw_delete(queue_database())  # noqa: SLF001 - the condition stays
    return count


def _tally(ids: Sequence[UUID], changed: int, reason: str) -> Tally:
    return Tally(changed, Counter({reason: len(ids) - changed}))


ACTIONS: dict[str, Callable[[Sequence[UUID], Wishes, Window], Tally]] = {
    "retry": _retry,
    "cancel": _cancel,
    "discard": _discard,
    "reschedule": _reschedule,
    "delete": _delete_final,
}
