"""Models of pydantic, which need not be installed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from djtasks.definitions.codecs import Codec, codec_of, encode_call
from djtasks.errors import InvalidArguments, UnreadableArguments
from tests.typed_tasks import DAY, Color, typed

pydantic = pytest.importorskip("pydantic")


class Guest(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    name: str
    arrives: date = pydantic.Field(alias="from")
    paid: Decimal = Decimal(0)
    color: Color = Color.RED


class Strict(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    model_config = pydantic.ConfigDict(strict=True)
    days: set[date]


def take(guest: Guest, more: list[Strict] | None = None) -> Guest:
    return guest


TAKE = typed(take)
GUEST = Guest(**{"name": "Ada", "from": DAY, "paid": Decimal("1.50"), "color": Color.BLUE})


def codec() -> Codec:
    made = codec_of(TAKE)
    assert made is not None
    return made


def test_a_model_arrives_as_one() -> None:
    texts = encode_call(TAKE, (GUEST, [Strict(days={DAY})]), {}, limit=500)

    args, _ = codec().decode(*texts)

    assert list(args) == [GUEST, [Strict(days={DAY})]]
    assert '"from":"2026-02-28"' in texts[0]
    assert codec().decode_result({"name": "Ada", "from": "2026-02-28"}).arrives == DAY


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "Ada"}, "args[0] does not fit its annotation: from: Field required."),
        ({"name": 5, "from": "x"}, "args[0] does not fit its annotation: name: Input should be"),
        (5, "args[0] does not fit its annotation: Guest: Input should be an object."),
    ],
)
def test_what_does_not_fit_is_named(value: Any, message: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        encode_call(TAKE, (value,), {}, limit=500)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_of_other_code_is_unreadable() -> None:
    with pytest.raises(UnreadableArguments, match="from: Field required"):
        codec().decode('[{"name": "Ada"}]', "{}")
