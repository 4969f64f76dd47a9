"""Model instances travel as their primary keys; the worker loads them anew."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import connections, router
from django.db.models import Model
from django.db.models.base import ModelState

_MOST_SHOWN = 5
# A router may choose among replicas at random.
_ASKED = 32
_Key = Any


class Unsaved(ValueError):
    """An instance without a row that a worker could load."""


def wire_of(instance: Model) -> Any:
    """Return what travels for a saved instance: its key, and its database if no router names it.

    Raises Unsaved for one that is not saved.
    """
    label = type(instance)._meta.label  # noqa: SLF001 - Django's documented Meta API
    state = instance._state  # noqa: SLF001 - Django's documented attribute
    if state.adding or instance.pk is None:
        raise Unsaved(
            f"is an unsaved {label}, which a worker could not load: save it before you enqueue"
        )
    database = _database_to_name(instance, state.db)
    return instance.pk if database is None else {"pk": instance.pk, "database": database}


def _database_to_name(instance: Model, came_from: str | None) -> str | None:
    """Return the database to load an instance from, or None for the one that the router names."""
    kind = type(instance)
    usual = router.db_for_write(kind)
    if came_from is None or came_from == usual:
        return None
    meant = router.db_for_write(kind, instance=instance)
    if came_from != meant and not _is_replica(came_from, instance):
        return came_from
    mirrored = connections.databases[meant].get("TEST", {}).get("MIRROR")
    home = mirrored or meant
    return None if home == usual else str(home)


def _is_replica(alias: str, instance: Model) -> bool:
    """Return whether the router names this database for reading the instance."""
    if connections.databases[alias].get("TEST", {}).get("MIRROR"):
        return True
    kind = type(instance)
    return any(router.db_for_read(kind, instance=instance) == alias for _ in range(_ASKED))


class References:
    """The instances that one call refers to: empty ones while it is decoded, then loaded.

    The empty ones are deferred instances that know their keys; `load` fills them in place, so it
    does not matter how deep in a value they stand.
    """

    __slots__ = ("_groups", "_usual", "found")

    def __init__(self) -> None:
        self.found: list[Model] = []
        self._groups: dict[tuple[type[Model], str], dict[_Key, Model]] = {}
        self._usual: dict[type[Model], str] = {}

    def shell(self, kind: type[Model], wire: Any) -> Model:
        """Return the empty instance for what has travelled; raise ValueError if it is no key."""
        database, key = self._read(kind, wire)
        group = self._groups.setdefault((kind, database), {})
        found = group.get(key)
        if found is None:
            found = group[key] = _empty(kind, database, key)
        self.found.append(found)
        return found

    def _read(self, kind: type[Model], wire: Any) -> tuple[str, _Key]:
        if not isinstance(wire, dict):
            if kind not in self._usual:
                self._usual[kind] = router.db_for_write(kind)
            return self._usual[kind], _key(kind, wire)
        database = wire.get("database")
        if wire.keys() != {"pk", "database"} or database not in connections.databases:
            raise ValueError(_no_key(kind, "in a database of DATABASES"))
        return database, _key(kind, wire["pk"])

    def load(self) -> None:
        """Fill the instances, with one query a model.

        Raises the model's DoesNotExist, naming the objects that are gone.
        """
        for (kind, database), empty in self._groups.items():
            rows = kind._base_manager.using(database).in_bulk(list(empty))  # noqa: SLF001
            if len(rows) < len(empty):
                raise _missing(kind, database, [key for key in empty if key not in rows])
            for key, instance in empty.items():
                row = rows[key]
                instance.__class__ = type(row)  # a polymorphic manager returns subclasses
                instance.__dict__.update(row.__dict__)


def _key(kind: type[Model], wire: Any) -> _Key:
    fields = kind._meta.pk_fields  # noqa: SLF001
    parts = wire if len(fields) > 1 else [wire]
    if not isinstance(parts, list) or len(parts) != len(fields) or None in parts:
        raise ValueError(_no_key(kind, ""))
    try:
        values = [field.to_python(part) for field, part in zip(fields, parts, strict=True)]
    except (ValidationError, ValueError, TypeError):
        raise ValueError(_no_key(kind, "")) from None
    return tuple(values) if len(fields) > 1 else values[0]


def _no_key(kind: type[Model], where: str) -> str:
    return f"Expected the primary key of a {kind._meta.label} {where}".rstrip()  # noqa: SLF001


def _empty(kind: type[Model], database: str, key: _Key) -> Model:
    instance = kind.__new__(kind)
    state = instance.__dict__["_state"] = ModelState()
    state.adding, state.db = False, database
    fields = kind._meta.pk_fields  # noqa: SLF001
    for field, value in zip(fields, key if len(fields) > 1 else (key,), strict=True):
        instance.__dict__[field.attname] = value
    return instance


def _missing(kind: type[Model], database: str, keys: list[_Key]) -> ObjectDoesNotExist:
    shown = ", ".join(f"#{key}" for key in keys[:_MOST_SHOWN])
    more = f" and {len(keys) - _MOST_SHOWN:,} more" if len(keys) > _MOST_SHOWN else ""
    verb = "does" if len(keys) == 1 else "do"
    error: type[ObjectDoesNotExist] = kind.DoesNotExist  # type: ignore[attr-defined]
    return error(
        f"{kind._meta.label} {shown}{more} {verb} not exist in the database {database!r}. "  # noqa: SLF001
        f"Was it deleted after the task was enqueued?"
    )
