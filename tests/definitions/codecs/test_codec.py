"""What encoding refuses, and what decoding does."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils.safestring import mark_safe

from djtasks.definitions.codecs import Codec, codec_of, encode_call
from djtasks.errors import ArgumentsTooLarge, InvalidArguments, UnreadableArguments
from tests.models import Parcel, Row
from tests.typed_tasks import DAY, KEY, MOMENT, Color, Line, Money, typed


def take(
    day: dt.date,
    lines: list[Line] | None = None,
    *more: UUID,
    color: Color = Color.RED,
    row: Row | None = None,
    by_day: dict[dt.date, Money] | None = None,
    number: int = 0,
    **paths: Path,
) -> None: ...


TAKE = typed(take)


def encoded(*args: Any, **kwargs: Any) -> tuple[str, str]:
    return encode_call(TAKE, args, kwargs, limit=1_000)


def saved(instance: Any) -> Any:
    instance._state.adding, instance._state.db = False, "default"
    return instance


class Unknown:
    pass


WRONG: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((5,), {}, "args[0] does not fit its annotation: Expected `date`, got `int`."),
    (("tomorrow",), {}, "args[0] does not fit its annotation: Invalid RFC3339 encoded date."),
    ((MOMENT,), {}, "args[0] does not fit its annotation: Invalid RFC3339 encoded date."),
    ((None,), {}, "args[0] does not fit its annotation: Expected `date`, got `null`."),
    (
        (),
        {"day": DAY, "lines": [*[Line(Decimal(1))] * 3, {"price": "1.x"}]},
        "kwargs.lines[3].price does not fit its annotation: Invalid decimal string.",
    ),
    (
        (DAY, [Line(Decimal(1), count="7")]),  # type: ignore[arg-type]
        {},
        "args[1][0].count does not fit its annotation: Expected `int`, got `str`.",
    ),
    (
        (DAY, [Line(Unknown())]),  # type: ignore[arg-type]
        {},
        "args[1][0].price is of type Unknown, which JSON cannot carry.",
    ),
    ((DAY, None, KEY, "x"), {}, "args[3] does not fit its annotation: Invalid UUID."),
    (
        (DAY,),
        {"color": "green"},
        "kwargs.color does not fit its annotation: Invalid enum value 'green'.",
    ),
    (
        (DAY,),
        {"row": Row(name="x")},
        "kwargs.row is an unsaved tests.Row, which a worker could not load: save it before you "
        "enqueue.",
    ),
    (
        (DAY,),
        {"row": Row(pk=5)},
        "kwargs.row is an unsaved tests.Row, which a worker could not load: save it before you "
        "enqueue.",
    ),
    (
        (DAY,),
        {"row": saved(Parcel())},
        "kwargs.row does not fit its annotation: Expected the primary key of a tests.Row.",
    ),
    (
        (DAY,),
        {"row": "x"},
        "kwargs.row does not fit its annotation: Expected the primary key of a tests.Row.",
    ),
    (
        (DAY,),
        {"row": {"pk": 1, "database": "moon"}},
        "kwargs.row does not fit its annotation: Expected the primary key of a tests.Row in a "
        "database of DATABASES.",
    ),
    (
        (DAY,),
        {"by_day": {"x": Money(Decimal(1))}},
        "key in kwargs.by_day does not fit its annotation: Invalid RFC3339 encoded date.",
    ),
    ((DAY,), {"etc": 5}, "kwargs.etc does not fit its annotation: Expected a path, got `int`."),
    (
        (DAY,),
        {"number": DAY},
        "kwargs.number is of type date, which JSON cannot carry: pass a string or a number (for a "
        "model instance, its primary key).",
    ),
    (
        (DAY,),
        {"number": saved(Row(pk=1))},
        "kwargs.number is of type Row, which JSON cannot carry: pass a string or a number (for a "
        "model instance, its primary key).",
    ),
]


@pytest.mark.parametrize(("args", "kwargs", "message"), WRONG)
def test_a_wrong_value_is_refused_where_it_is_passed(
    args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        encoded(*args, **kwargs)

    assert str(caught.value) == message


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [100, 100_000])
def test_a_value_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(InvalidArguments, match=r"nested"):
        encoded(DAY, nested(depth))


def test_the_limit_of_the_size_holds_for_what_is_encoded() -> None:
    with pytest.raises(ArgumentsTooLarge, match="1,000"):
        encoded(DAY, [Line(Decimal(1))] * 100)


def test_what_json_cannot_hold_is_refused_inside_of_typed_values_too() -> None:
    with pytest.raises(InvalidArguments, match=r"^kwargs.by_day.2026-02-28.|NUL"):
        encoded(DAY, by_day={DAY: Money(Decimal(1), "\x00")})


def test_the_json_form_of_a_value_is_accepted() -> None:
    as_types = encoded(DAY, [Line(Decimal("1.0"))], KEY, color=Color.BLUE, etc=Path("/etc"))

    as_json = encoded(
        "2026-02-28",
        [{"price": "1.0", "count": 1, "day": None}],
        str(KEY),
        color="blue",
        etc="/etc",
    )

    assert list(map(json.loads, as_types)) == list(map(json.loads, as_json))


def test_subclasses_of_json_types_become_plain() -> None:
    args, _ = encoded(mark_safe("2026-02-28"), [{"price": mark_safe("1")}])

    assert args == '["2026-02-28",[{"price":"1"}]]'


def test_what_is_not_passed_is_left_to_the_defaults_of_the_function() -> None:
    args, kwargs = codec().decode(*encoded(DAY))

    assert (list(args), dict(kwargs)) == ([DAY], {})


def test_more_arguments_than_this_code_has_are_kept_for_the_error_of_its_signature() -> None:
    def day_only(day: dt.date) -> None: ...

    narrow = codec_of(typed(day_only))
    assert narrow is not None
    for texts in ('["2026-02-28", 5]', "{}"), ('["2026-02-28"]', '{"new": 5}'):
        with pytest.raises(UnreadableArguments):
            narrow.decode(*texts)


def test_text_of_other_code_is_unreadable_and_names_its_place() -> None:
    with pytest.raises(UnreadableArguments, match="Expected `decimal`, got `array`") as caught:
        codec().decode('["2026-02-28", [{"price": "1"}, {"price": []}]]', "{}")

    assert caught.value.place == "args[1][1].price"


def test_instances_and_keys_are_not_mixed() -> None:
    def pair(one: Row, two: Row) -> None: ...

    row = saved(Row(pk=1))
    with pytest.raises(InvalidArguments, match=r"Pass instances, or only keys\."):
        encode_call(typed(pair), (row, 2), {}, limit=100)


def test_an_instance_of_another_model_is_refused_although_its_key_would_fit() -> None:
    with pytest.raises(InvalidArguments) as caught:
        encoded(DAY, row=saved(ContentType(pk=1)))

    assert str(caught.value) == (
        "kwargs.row is a contenttypes.ContentType, which does not fit its annotation."
    )


def test_a_set_has_one_text_in_every_process() -> None:
    def label(words: set[str]) -> None: ...

    texts = encode_call(typed(label), ({"b", "c", "a"},), {}, limit=100)

    assert texts == ('[["a","b","c"]]', "{}")


def codec() -> Codec:
    made = codec_of(TAKE)
    assert made is not None
    return made


def returning(kind: Any) -> Codec:
    def give() -> None: ...

    give.__annotations__ = {"return": kind}
    made = codec_of(typed(give))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (dt.date, DAY, b'"2026-02-28"'),
        (tuple[int, dt.date], (1, DAY), b'[1,"2026-02-28"]'),
        # What does not fit is as JSON carries it.
        (dt.date, "soon", b'"soon"'),
        (UUID, 5, b"5"),
    ],
)
def test_a_return_value_has_the_type_of_its_annotation_if_it_fits(
    kind: Any, value: Any, text: bytes
) -> None:
    codec = returning(kind)

    assert codec.encode_result(value) == text
    assert codec.decode_result(json.loads(text)) == value


@pytest.mark.parametrize("value", [saved(ContentType(pk=1)), Row(), Unknown()])
def test_a_return_value_that_cannot_travel_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArguments, match=r"^return value is "):
        returning(Row).encode_result(value)
