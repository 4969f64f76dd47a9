"""Sealed calls: the record says by itself what is encrypted."""

import base64
from typing import Any

import pytest

from djtasks.errors import MissingKey
from djtasks.formats.placeholders import ENCRYPTED
from djtasks.formats.sealing import is_sealed, masked, opened, sealed

PATH = "shop.tasks.pay"


def encrypt(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decrypt(token: str) -> str:
    return base64.b64decode(token).decode()


def seal(*args: Any, places: Any, **kwargs: Any) -> Any:
    return sealed(PATH, (list(args), kwargs), places, encrypt)


def test_encrypted_arguments_leave_the_record_and_come_back_where_they_were() -> None:
    args, kwargs = seal("4111", 5, places=[0, "pin"], pin={"a": [1]}, note="x")

    assert args == [None, 5]
    assert kwargs[0] == {"note": "x"}
    assert kwargs[1]["encrypted"] == [0, "pin"]
    assert opened(PATH, args, kwargs, decrypt) == (["4111", 5], {"pin": {"a": [1]}, "note": "x"})


def test_what_is_encrypted_is_masked_without_a_key() -> None:
    call = seal("4111", 5, places=[0, "pin"], pin=1, note="x")

    assert masked(*call) == ([ENCRYPTED, 5], {"pin": ENCRYPTED, "note": "x"})


def test_a_position_is_not_a_name_of_digits() -> None:
    call = seal("secret", places=[0, "0"], **{"0": "other"})

    assert opened(PATH, *call, decrypt) == (["secret"], {"0": "other"})


def test_a_call_without_anything_to_encrypt_stays_plain() -> None:
    assert seal(1, places=[], note="x") == ([1], {"note": "x"})
    assert opened(PATH, [1], {"note": "x"}, decrypt) == ([1], {"note": "x"})


def test_no_argument_can_be_mistaken_for_a_seal() -> None:
    _args, stored = seal("4111", places=[0])

    for kwargs in ({"kwargs": stored}, {"encrypted": [0], "token": "x"}, {"0": {}, "1": stored[1]}):
        assert not is_sealed(kwargs)
        assert masked([1], kwargs) == ([1], kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [[], [{}], [{}, {}], [{}, {"encrypted": 7, "token": "x"}], [{}, {"encrypted": [], "token": 1}],
     [[], {"encrypted": [], "token": "x"}], "x", None, 7],
)  # fmt: skip
def test_what_somebody_else_has_stored_is_no_seal(kwargs: Any) -> None:
    assert masked([1], kwargs) == ([1], kwargs)


def test_places_that_nobody_could_mean_are_left_out() -> None:
    hostile = [{"a": 1}, {"encrypted": [9, True, None, [], "pin"], "token": "x"}]

    assert masked([1], hostile) == ([1], {"a": 1, "pin": ENCRYPTED})
    assert masked({"no": "list"}, hostile) == ([], {"a": 1, "pin": ENCRYPTED})


def test_a_token_opens_only_for_its_task_and_places() -> None:
    """Else whoever may write rows could have a worker decrypt it for a task of their choice."""
    args, kwargs = seal("4111", places=[0])

    with pytest.raises(MissingKey, match="for another task"):
        opened("shop.tasks.mail", args, kwargs, decrypt)
    with pytest.raises(MissingKey, match="for other arguments"):
        opened(PATH, [], [{}, kwargs[1] | {"encrypted": ["card"]}], decrypt)


def test_no_function_can_be_called_with_the_stored_form() -> None:
    """So workers of earlier versions, which do not know it, give the record back."""
    args, kwargs = seal("4111", places=[0])

    with pytest.raises(TypeError, match="must be a mapping"):
        (lambda *_args, **_kwargs: None)(*args, **kwargs)
