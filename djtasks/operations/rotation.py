"""Encrypt the arguments of stored tasks and schedules anew, with the first key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from djtasks.engine import Engine
from djtasks.errors import MissingKey
from djtasks.formats.encryption import Cipher
from djtasks.formats.sealing import token_of
from djtasks.operations.schedules import schedules
from djtasks.operations.tasks import records


@dataclass(slots=True, kw_only=True)
class Rotation:
    """The counts of a rotation so far, in tasks and schedules with encrypted arguments.

    `looked_at`: also those without. `rotated`: encrypted anew. `current`: the first key had
    encrypted them already. `unreadable`: none of the keys decrypts them, so they stay as they are.
    """

    looked_at: int = 0
    rotated: int = 0
    current: int = 0
    unreadable: int = 0


def rotate_keys(engine: Engine, *, page: int = 1_000) -> Iterator[Rotation]:
    """Encrypt what is stored for an alias with its first key; yield the counts after each page.

    This concerns all records, in any state, and all schedules. It may run beside workers, and
    beside another rotation: each record is changed only while it holds the token that was read. If
    it is interrupted, the next one skips what is done. Takes constant memory.
    """
    total = Rotation()
    rows, after = records(engine).filter(backend=engine.alias).order_by("pk"), None
    while True:
        here = rows if after is None else rows.filter(pk__gt=after)
        ids = list(here.values_list("pk", flat=True)[:page])
        if not ids:
            break
        after = ids[-1]
        _rotate_records(engine, here.filter(pk__lte=after), total)
        total.looked_at += len(ids)
        yield total
    for pk in list(schedules(engine).filter(backend=engine.alias).values_list("pk", flat=True)):
        _rotate_schedule(engine, pk, total)
        total.looked_at += 1
    yield total


def _rotate_records(engine: Engine, rows: Any, total: Rotation) -> None:
    rotator = _Rotator(engine.cipher)
    sealed = rows.filter(kwargs__1__token__isnull=False)
    for pk in list(sealed.values_list("pk", flat=True)):
        # One at a time, since each may have a megabyte. The row may be gone.
        for kwargs in records(engine).filter(pk=pk).values_list("kwargs", flat=True):
            fresh = rotator.rotated(kwargs)
            if fresh != kwargs:
                same = records(engine).filter(pk=pk, kwargs__1__token=token_of(kwargs))
                total.rotated += same.update(kwargs=fresh)
    total.current += rotator.current
    total.unreadable += rotator.unreadable


def _rotate_schedule(engine: Engine, pk: int, total: Rotation) -> None:
    rotator = _Rotator(engine.cipher)
    with transaction.atomic(using=engine.database):
        row = schedules(engine).select_for_update().filter(pk=pk).first()
        if row is None:
            return
        fresh: dict[str, Any] = {"kwargs": rotator.rotated(row.kwargs)}
        if isinstance(row.declared, dict):
            kwargs = rotator.rotated(row.declared.get("kwargs"))
            fresh["declared"] = {**row.declared, "kwargs": kwargs}
        changes = {name: value for name, value in fresh.items() if value != getattr(row, name)}
        if changes:
            total.rotated += schedules(engine).filter(pk=pk).update(**changes)
    total.current += bool(rotator.current and not changes)
    total.unreadable += bool(rotator.unreadable)


@dataclass(slots=True)
class _Rotator:
    """Rotates tokens; equal tokens become equal ones."""

    cipher: Cipher
    current: int = 0
    unreadable: int = 0
    _known: dict[str, str] = field(default_factory=dict)

    def rotated(self, kwargs: Any) -> Any:
        """Return stored keyword arguments with their token rotated, if they have one."""
        token = token_of(kwargs)
        if token is None:
            return kwargs
        try:
            fresh = self._known.get(token) or self.cipher.rotated(token)
        except MissingKey:
            self.unreadable += 1
            return kwargs
        self._known[token] = fresh
        self.current += fresh == token
        return [kwargs[0], {**kwargs[1], "token": fresh}]
