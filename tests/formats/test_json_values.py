"""What may travel as arguments, and how the rest is refused."""

import enum
import json
from collections import OrderedDict, UserDict, UserList, deque, namedtuple
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from djtasks.errors import ArgumentsTooLarge, InvalidArguments
from djtasks.formats.json_values import (
    MAX_DEPTH,
    MAX_INTEGER_BITS,
    MAX_NODES,
    decode,
    encode,
    encode_arguments,
    encode_sorted,
)

Point = namedtuple("Point", "x y")


class Level(enum.IntEnum):
    HIGH = 3


class Colour(enum.StrEnum):
    RED = "red"


class OldColour(str, enum.Enum):  # noqa: UP042 - its str() is "OldColour.RED"
    RED = "red"


class Liar(int):
    def __int__(self) -> int:
        return 9

    def __index__(self) -> int:
        return 9


class Ratio(float):
    def __float__(self) -> float:
        return 9.0


class Endless(Sequence[int]):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return index


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


plain_texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def refusal_of(value: Any) -> str:
    with pytest.raises(InvalidArguments) as refusal:
        encode(value, "args")
    return str(refusal.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (-(2**70), "-1180591620717411303424"),
        (1.5, "1.5"),
        ("é\U0001f600", '"é\U0001f600"'),
        ((1, (2, 3)), "[1,[2,3]]"),
        ([], "[]"),
        ({"a": {"b": []}}, '{"a":{"b":[]}}'),
        (range(3), "[0,1,2]"),
        (deque([1, 2]), "[1,2]"),
        (UserList([1]), "[1]"),
        (Point(1, 2), "[1,2]"),
        (OrderedDict(a=1), '{"a":1}'),
        (UserDict(a=1), '{"a":1}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ("zoë".encode(), '"zoë"'),
        (SafeString("<b>"), '"<b>"'),
        ({SafeString("k"): 1}, '{"k":1}'),
        (Level.HIGH, "3"),
        (Colour.RED, '"red"'),
        (OldColour.RED, '"red"'),
        ({OldColour.RED: 1}, '{"red":1}'),
        (Liar(3), "3"),
        (Ratio(0.5), "0.5"),
        (2**MAX_INTEGER_BITS - 1, str(2**MAX_INTEGER_BITS - 1)),
    ],
)
def test_what_json_can_carry_passes(value: Any, text: str) -> None:
    assert encode(value, "args").decode() == text


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (float("nan"), "args is nan, which JSON cannot carry."),
        (Ratio("-inf"), "args is -inf, which JSON cannot carry."),
        ("a\x00b", "args contains a NUL character, which PostgreSQL cannot store."),
        (SafeString("é\x00"), "args contains a NUL character"),
        (b"\x00", "args contains a NUL character"),
        ("\udfff", "args contains a lone surrogate, which is not Unicode text."),
        (b"\xff", "args is bytes that are not UTF-8: encode them as text first."),
        (2**MAX_INTEGER_BITS, "args is an integer of more than 4,096 bits."),
        pytest.param(10**5_000, "args is an integer of more than 4,096 bits.", id="long"),
        (Decimal(1), "args is of type Decimal, which JSON cannot carry: pass a string or a"),
        (date(2026, 1, 2), "args is of type date,"),
        (datetime(2026, 1, 2, tzinfo=UTC), "args is of type datetime,"),
        (timedelta(1), "args is of type timedelta,"),
        (uuid4(), "args is of type UUID,"),
        ({1, 2}, "args is of type set,"),
        (bytearray(b"x"), "args is of type bytearray,"),
        (memoryview(b"x"), "args is of type memoryview,"),
        (object(), "args is of type object,"),
        (1j, "args is of type complex,"),
        (lazystr("later"), "args is of type __proxy__,"),
        (iter([1]), "args is of type list_iterator,"),
        (Unprintable(), "args is of type Unprintable,"),
        ({1: 2}, "args has the key 1, but JSON keys are strings."),
        ({None: 2}, "args has the key None,"),
        ({(1, 2): 2}, "args has the key (1, 2),"),
        ({10**5_000: 2}, "args has the key of type int,"),
        ({Unprintable(): 2}, "args has the key of type Unprintable,"),
        ({"\x00": 1}, r"args['\x00'] contains a NUL character"),
        ({"\ud800": 1}, r"args['\ud800'] contains a lone surrogate"),
    ],
)
def test_what_json_cannot_carry_is_refused_in_a_sentence(value: Any, complaint: str) -> None:
    assert refusal_of(value).startswith(complaint)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([1, 2, set()], "args[2]"),
        ({"items": [0, 0, 0, {"price": set()}]}, "args.items[3].price"),
        ({"first name": set()}, "args['first name']"),
        ({"a": {"b": 1}, "c": ({"d": set()},)}, "args.c[0].d"),
        ([{1: 2}], "args[0]"),
    ],
)
def test_a_refusal_names_the_place(value: Any, place: str) -> None:
    assert refusal_of(value).split(" is ")[0].split(" has ")[0] == place


def test_a_refusal_can_be_printed_whatever_the_keys_are() -> None:
    complaint = refusal_of({"\ud800" * 5_000: 1})

    assert complaint.isprintable()
    assert len(complaint) < 400


def test_nesting_has_an_end() -> None:
    assert encode(nested(MAX_DEPTH), "args")

    assert f"is nested deeper than {MAX_DEPTH} levels" in refusal_of(nested(MAX_DEPTH + 1))


def test_a_list_inside_itself_is_refused() -> None:
    snake: list[Any] = []
    snake.append(snake)

    assert f"is nested deeper than {MAX_DEPTH} levels" in refusal_of(snake)


def test_the_number_of_values_has_an_end() -> None:
    assert encode([None] * MAX_NODES, "args")

    assert refusal_of([None] * (MAX_NODES + 1)) == "args has more than 100,000 values."


def test_values_are_counted_across_all_levels() -> None:
    half = [None] * (MAX_NODES // 2)

    assert refusal_of([half, half]) == "args[1] has more than 100,000 values."
    assert refusal_of([{str(n): n for n in range(MAX_NODES)}]).startswith("args[0] has more")


@pytest.mark.parametrize("value", [range(2**70), Endless()])
def test_a_sequence_that_never_ends_is_refused(value: Any) -> None:
    assert refusal_of(value) == "args has more than 100,000 values."


def test_arguments_become_two_texts() -> None:
    args, kwargs = encode_arguments("shop.pay", (1, "é"), {"at": None}, limit=64_000)

    assert (args, kwargs) == ('[1,"é"]', '{"at":null}')


@pytest.mark.parametrize(
    ("args", "kwargs", "place"),
    [((1, set()), {}, "args[1] "), ((), {"items": [set()]}, "kwargs.items[0] ")],
)
def test_a_refused_call_names_the_argument(args: Any, kwargs: Any, place: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        encode_arguments("shop.pay", args, kwargs, limit=64_000)

    assert str(refusal.value).startswith(place)


def test_arguments_are_weighed_as_bytes_of_json() -> None:
    exact = len('["é"]'.encode()) + len("{}")

    assert encode_arguments("shop.pay", ("é",), {}, limit=exact)
    with pytest.raises(ArgumentsTooLarge) as refusal:
        encode_arguments("shop.pay", ("é",), {}, limit=exact - 1)
    assert str(refusal.value).startswith(
        "The arguments of 'shop.pay' take 8 bytes as JSON, but the limit is 7. Store the data"
    )


def test_sorted_json_is_the_same_whatever_the_order_of_keys() -> None:
    one = encode_sorted({"b": {"d": 1, "c": 2}, "a": 3}, "args")
    other = encode_sorted({"a": 3, "b": {"c": 2, "d": 1}}, "args")

    assert one == other == b'{"a":3,"b":{"c":2,"d":1}}'


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_texts, inner, max_size=4),
    max_leaves=12,
)
anything = st.recursive(
    scalars | st.text() | st.floats() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | scalars, inner),
    max_leaves=8,
)


@given(values)
def test_what_passes_comes_back_as_it_was(value: Any) -> None:
    text = encode(value, "args")

    assert decode(text) == value
    assert json.loads(text) == value


@given(anything)
def test_a_value_is_refused_or_becomes_strict_json_and_nothing_else_happens(value: Any) -> None:
    text = b"null"
    with suppress(InvalidArguments):
        text = encode(value, "args")

    parsed = json.loads(text, parse_constant=pytest.fail)
    assert "\x00" not in texts_in(parsed)


def texts_in(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return "".join(map(texts_in, value))
        case dict():
            return "".join(key + texts_in(member) for key, member in value.items())
    return ""
