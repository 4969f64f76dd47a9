"""The members of nodes, on databases without statements of their own.

Nothing here waits for a record: one that another transaction has locked is left for a later look.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connections
from django.db.models import Case, Count, F, Min, Q, Value, When

from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.states import FINAL, LIVE, State
from djtasks.protocol.workflows import door_of
from djtasks.store.base import ERRORS_KEPT

_SMALL = 100
_UNSUCCESSFUL = sorted(FINAL - {State.SUCCESSFUL})


@dataclass(frozen=True, slots=True)
class Promoted:
    """A member that became READY: its node, its place there, and its hint if it is due."""

    node: int
    place: int
    hint: Hint | None


@dataclass(frozen=True, slots=True)
class Door:
    """Where to look for members of a node: at places from `place` on. `size` is how many it has."""

    node: int
    place: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """The live members of a node: the first place that has one, and whether one is at the door."""

    place: int | None = None
    is_waiting: bool = False


def hint_of(row: tuple[Any, ...], now: datetime) -> Hint | None:
    """Return the hint of (id, queue, priority, run_after), None if it is not due."""
    id_, queue, priority, run_after = row
    return Hint(id_, queue, score_of(priority, run_after)) if run_after <= now else None


class Members(Protocol):
    """The members of nodes in one database, within the transaction of a look."""

    def promote(self, doors: Sequence[Door], *, limit: int, now: datetime) -> list[Promoted]:
        """Make up to `limit` members at these doors READY, in the order of their places."""
        ...

    def cancel(
        self, nodes: Sequence[int], *, limit: int, now: datetime, entry: str | None = None
    ) -> int:
        """Make up to `limit` WAITING or READY members CANCELLED; return how many.

        `entry` is the JSON text of an entry for their errors.
        """
        ...

    def request_cancel(self, nodes: Sequence[int], *, limit: int) -> int:
        """Ask up to `limit` RUNNING members to stop that were not asked yet; return how many."""
        ...

    def live(self, doors: Sequence[Door]) -> dict[int, Live]:
        """Return the live members of each node, without looking at locks."""
        ...

    def failed(self, nodes: Sequence[int]) -> dict[int, int]:
        """Return how many members are final and not SUCCESSFUL; a node without any is left out."""
        ...


def _by_size(doors: Sequence[Door]) -> tuple[list[int], list[Door]]:
    """Return the nodes that are read whole, many in one statement, and the others."""
    small = [door.node for door in doors if door.size <= _SMALL]
    return small, [door for door in doors if door.size > _SMALL]


class PortableMembers:
    """Members by Django's ORM."""

    def __init__(self, database: str) -> None:
        self._database = database
        features = connections[database].features
        self._skips = features.has_select_for_update_skip_locked
        # Elsewhere the index of members has no state.
        self._states = (
            [[state] for state in sorted(LIVE)]
            if features.supports_partial_indexes
            else [sorted(LIVE)]
        )

    @property
    def _records(self) -> Any:
        return TaskRecord._base_manager.using(self._database)  # noqa: SLF001 - Django's Meta API

    def _free(self, found: Any) -> Any:
        return found.select_for_update(skip_locked=self._skips)

    def promote(self, doors: Sequence[Door], *, limit: int, now: datetime) -> list[Promoted]:
        small, large = _by_size(doors)
        done = self._promote(small, 0, limit, now) if small else []
        for door in large:
            if len(done) < limit:
                done += self._promote([door.node], door.place, limit - len(done), now)
        return done

    def _promote(
        self, nodes: Sequence[int], place: int, limit: int, now: datetime
    ) -> list[Promoted]:
        at_door = self._records.filter(
            node__in=nodes, state=State.WAITING, waits_for__in=[door_of(node) for node in nodes]
        )
        page = self._free(at_door.filter(place__gte=place)).order_by("node", "place")[:limit]
        rows = list(page.values_list("node", "place", "pk", "queue", "priority", "run_after"))
        if rows:
            at_door.filter(pk__in=[row[2] for row in rows]).update(
                run_after=Case(When(run_after__lt=now, then=Value(now)), default=F("run_after")),
                state=State.READY,
                waits_for=None,
            )
        return [
            Promoted(node, place, hint_of((*row, max(run_after, now)), now))
            for node, place, *row, run_after in rows
        ]

    def cancel(
        self, nodes: Sequence[int], *, limit: int, now: datetime, entry: str | None = None
    ) -> int:
        states = [State.WAITING, State.READY]
        idle = self._records.filter(node__in=nodes, state__in=states)
        errors = dict(self._free(idle).order_by("pk").values_list("pk", "errors")[:limit])
        columns = {
            "state": State.CANCELLED,
            "waits_for": None,
            "cancel_requested": True,
            "finished_at": now,
            "unique_key": None,
        }
        if entry is None:
            idle.filter(pk__in=list(errors)).update(**columns)
            return len(errors)
        before = {pk: found for pk, found in errors.items() if found}
        idle.filter(pk__in=[pk for pk in errors if pk not in before]).update(
            **columns, errors=[json.loads(entry)]
        )
        for pk, found in before.items():
            noted = [*found, json.loads(entry)][-ERRORS_KEPT:]
            idle.filter(pk=pk).update(**columns, errors=noted)
        return len(errors)

    def request_cancel(self, nodes: Sequence[int], *, limit: int) -> int:
        running = self._records.filter(node__in=nodes, state=State.RUNNING, cancel_requested=False)
        ids = list(self._free(running).order_by("pk").values_list("pk", flat=True)[:limit])
        if ids:
            running.filter(pk__in=ids).update(cancel_requested=True)
        return len(ids)

    def live(self, doors: Sequence[Door]) -> dict[int, Live]:
        small, large = _by_size(doors)
        found = dict.fromkeys(small, Live())
        members = self._records.filter(node__in=small, state__in=sorted(LIVE)).order_by()
        waits = Count("pk", filter=Q(state=State.WAITING))
        for node, place, waiting in members.values_list("node").annotate(
            first=Min("place"), waiting=waits
        ):
            found[node] = Live(place, waiting > 0)
        return found | {door.node: self._live(door) for door in large}

    def _live(self, door: Door) -> Live:
        members = self._records.filter(node=door.node)
        ahead = members.filter(place__gte=door.place).order_by("place")
        first = (
            ahead.filter(state__in=states).values_list("place", flat=True).first()
            for states in self._states
        )
        place = min((found for found in first if found is not None), default=None)
        at_door = members.filter(state=State.WAITING, waits_for=door_of(door.node))
        return Live(place, place is not None and at_door.exists())

    def failed(self, nodes: Sequence[int]) -> dict[int, int]:
        ended = self._records.filter(node__in=nodes, state__in=_UNSUCCESSFUL)
        counted: Iterable[tuple[int, int]] = ended.values_list("node").annotate(n=Count("pk"))
        return dict(counted)
