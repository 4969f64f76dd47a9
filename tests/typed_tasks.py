"""A task for each type that annotations can name, and a value of each.

A database is needed for the values that are model instances, so those are made by functions.
"""

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Required,
    TypedDict,
    TypeVar,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from djtasks import Backoff, task
from djtasks.context import Context
from djtasks.definitions.restoring import blank, restore
from djtasks.definitions.task import Task
from tests.models import Parcel, Row, Seat

T = TypeVar("T")
Minutes = NewType("Minutes", dt.timedelta)
UTC = dt.UTC


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Status(models.TextChoices):
    NEW = "new"
    DONE = "done"


@dataclass
class Line:
    price: Decimal
    count: int = 1
    day: dt.date | None = None


@dataclass
class Tree:
    day: dt.date
    branches: "list[Tree]" = field(default_factory=list)


@dataclass
class Box(Generic[T]):
    content: T


class Point(NamedTuple):
    x: Decimal
    day: dt.date


class Movie(TypedDict, total=False):
    released: Required[dt.date]
    title: str


class Money(msgspec.Struct):
    amount: Decimal
    currency: str = "EUR"


class Cash(msgspec.Struct, tag=True):
    amount: Decimal


class Card(msgspec.Struct, tag=True):
    until: dt.date


@dataclass
class Shipment:
    row: Row
    seats: list[Seat]
    at: dt.datetime


class RowProxy(Row):
    class Meta:
        app_label = "tests"
        proxy = True


MOMENT = dt.datetime(2026, 10, 25, 2, 30, 0, 123456, tzinfo=UTC)
DAY = dt.date(2026, 2, 28)
KEY = UUID("12345678-1234-5678-1234-567812345678")

VALUES: dict[str, tuple[Any, Any]] = {
    "date": (dt.date, DAY),
    "datetime": (dt.datetime, MOMENT),
    "datetime_of_a_zone": (dt.datetime, MOMENT.astimezone(ZoneInfo("Asia/Kathmandu"))),
    "time": (dt.time, dt.time(23, 59, 59, 1)),
    "timedelta": (dt.timedelta, dt.timedelta(days=-40, seconds=1, microseconds=5)),
    "decimal": (Decimal, Decimal("0.10000000000000000000000000001")),
    "uuid": (UUID, KEY),
    "enum": (Color, Color.BLUE),
    "int_enum": (Size, Size.LARGE),
    "flag": (Right, Right.READ | Right.WRITE),
    "text_choices": (Status, Status.DONE),
    "bytes": (bytes, b"\x00\xff\x80"),
    "set": (set[str], {"b", "a", "c"}),
    "bare_set": (set, {1, 2}),
    "frozenset": (frozenset[dt.date], frozenset({DAY})),
    "abstract_set": (AbstractSet[UUID], frozenset({KEY})),
    "tuple": (tuple[int, dt.date], (1, DAY)),
    "bare_tuple": (tuple, (1, "a", None)),
    "long_tuple": (tuple[Decimal, ...], (Decimal(1), Decimal("1.0"))),
    "empty_tuple": (tuple[()], ()),
    "path": (Path, Path("/var/lib/a b")),
    "pure_path": (PurePosixPath, PurePosixPath("a/b")),
    "dataclass": (Line, Line(Decimal("9.90"), 2, DAY)),
    "recursive_dataclass": (Tree, Tree(DAY, [Tree(DAY, [Tree(DAY)])])),
    "generic_dataclass": (Box[dt.date], Box(DAY)),
    "named_tuple": (Point, Point(Decimal(1), DAY)),
    "typed_dict": (Movie, {"released": DAY}),
    "struct": (Money, Money(Decimal("5.00"))),
    "tagged_structs": (Cash | Card, Card(DAY)),
    "optional": (dt.date | None, DAY),
    "optional_none": (dt.date | None, None),
    "union": (UUID | int, KEY),
    "union_other": (UUID | int | None, 7),
    "union_with_float": (dt.date | int, 1.5),
    "union_with_list": (Decimal | list[int] | None, [1, "a"]),
    "list": (list[Line], [Line(Decimal(1)), Line(Decimal(2))]),
    "sequence": (Sequence[dt.date], [DAY]),
    "dict": (dict[str, Decimal], {"a b": Decimal("1.50")}),
    "dict_by_date": (dict[dt.date, int], {DAY: 1}),
    "dict_by_number": (dict[int, str], {5: "five"}),
    "dict_by_enum": (Mapping[Color, list[UUID]], {Color.RED: [KEY]}),
    "deep": (dict[str, list[tuple[Color, set[dt.date] | None]]], {"a": [(Color.RED, {DAY})]}),
    "annotated": (Annotated[dt.date, "a day"], DAY),
    "new_type": (Minutes, dt.timedelta(minutes=3)),
    # What JSON carries is neither checked nor converted.
    "int": (int, "7"),
    "str": (str, 7),
    "plain_union": (int | str | None, 1.5),
    "literal": (Literal["a", 1], "b"),
    "plain_list": (list[int], ["x", {"y": None}]),
    "plain_dict": (dict[str, list[int]], {"x": 5}),
    "none": (None, 5),
}

INSTANCES: dict[str, tuple[Any, Callable[[], Any]]] = {
    "model": (Row, lambda: _row("a")),
    "proxy": (RowProxy, lambda: RowProxy.objects.get(pk=_row("p").pk)),
    "uuid_model": (Parcel, Parcel.objects.create),
    "composite_model": (Seat, lambda: _seat(1)),
    "optional_model": (Row | None, lambda: _row("b")),
    "no_model": (Row | None, lambda: None),
    "models": (list[Row], lambda: [_row("a"), _row("b")]),
    "composite_models": (list[Seat], lambda: [_seat(1), _seat(2)]),
    "set_of_models": (set[Row], lambda: {_row("a"), _row("b")}),
    "models_by_name": (dict[str, Row], lambda: {"x": _row("a")}),
    "in_a_dataclass": (Shipment, lambda: Shipment(_row("a"), [_seat(1), _seat(2)], MOMENT)),
    "in_a_tuple": (tuple[Row, Parcel], lambda: (_row("a"), Parcel.objects.create())),
}


def _row(name: str) -> Row:
    return Row.objects.create(name=name)


def _seat(number: int) -> Seat:
    return Seat.objects.create(hall="A", number=number)


received: list[Any] = []


def _task_of(name: str, kind: Any) -> Any:
    def take(value: Any) -> Any:
        received.append(value)
        return value

    take.__annotations__ = {"value": kind, "return": kind}
    take.__name__ = take.__qualname__ = f"take_{name}"
    return task(take)


TASKS = {name: _task_of(name, kind) for name, (kind, _) in (VALUES | INSTANCES).items()}
globals().update({f"take_{name}": one for name, one in TASKS.items()})


def typed(function: Callable[..., Any], **options: Any) -> Task[..., Any]:
    """Return a typed task of a function that no worker could find."""
    return restore(blank(function), typed=True, **options)


@task
def pack(row: Row, day: dt.date = DAY) -> str:
    received.append((row, day))
    return row.name


@task(takes_context=True)
async def pack_in_loop(context: Context, rows: list[Row]) -> list[Row]:
    received.append(rows)
    return rows


@task(cancel_on=ObjectDoesNotExist)
def pack_or_cancel(row: Row) -> None: ...


@task(max_attempts=2, backoff=Backoff(first_delay=dt.timedelta(0)))
def pack_again(row: Row) -> None: ...


@task(takes_context=True)
def complete(context: Context, day: dt.date) -> dt.date | None:
    with context.complete_in_transaction() as completion:
        completion.value = day
    return None


@task(unique=True)
def once(row: Row, days: set[dt.date], color: Color = Color.RED) -> None: ...


@task(unique=lambda row, day: f"{row.pk} {row.name} {day.year}")
def once_a_year(row: Row, day: dt.date) -> None: ...
