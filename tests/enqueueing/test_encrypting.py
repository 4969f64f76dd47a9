"""Arguments that a task names are stored encrypted, whatever the way they were passed."""

import functools
from typing import Any

import pytest
from django.test import override_settings

from djtasks import Task, task
from djtasks.compat import InvalidTask
from djtasks.enqueueing.building import build_item, build_record
from djtasks.enqueueing.encrypting import opened_call
from djtasks.errors import ArgumentsTooLarge, InvalidArguments, MissingKey
from djtasks.formats.encryption import Cipher, new_key
from djtasks.formats.json_values import decode
from djtasks.formats.placeholders import ENCRYPTED
from djtasks.formats.sealing import is_sealed
from djtasks.protocol.records import NewRecord, decode_call

CARD = "4111-1111"
CIPHER = Cipher([new_key()])


@task(encrypted="card")
def pay(amount: int, card: Any, *, note: str = "") -> None: ...


@task(encrypted=("rest", "more"))
def pay_all(amount: int, *rest: Any, note: str = "", **more: Any) -> None: ...


@task(encrypted=("card",), unique=True)
def pay_once(amount: int, card: Any) -> None: ...


@task(encrypted=("card",), unique=lambda amount, card: card)
def pay_once_a_card(amount: int, card: Any) -> None: ...


def with_account(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function("account", *args, **kwargs)

    return wrapper


@task(encrypted="card")
@with_account
def pay_from_account(account: str, card: str, amount: int) -> None: ...


def built(task: Task[..., Any], *args: Any, limit: int = 64_000, **kwargs: Any) -> NewRecord:
    return build_record(task, args, kwargs, backend="default", limit=limit, cipher=CIPHER)


def stored(record: NewRecord) -> Any:
    return decode(record.args), decode(record.kwargs)


def values(record: NewRecord) -> Any:
    return opened_call(record.task_path, *stored(record), CIPHER)


@pytest.mark.parametrize(("args", "kwargs"), [((5, CARD), {}), ((5,), {"card": CARD})])
def test_an_encrypted_argument_is_not_in_the_record_by_position_or_by_name(
    args: Any, kwargs: Any
) -> None:
    record = built(pay, *args, note="x", **kwargs)

    assert CARD not in record.args + record.kwargs
    assert values(record) == (list(args), {"note": "x", **kwargs})
    assert stored(record)[1][0] == {"note": "x"}


def test_collected_arguments_are_encrypted_by_the_name_that_collects_them() -> None:
    record = built(pay_all, 5, CARD, note="x", pin=CARD)

    assert decode_call(record) == ([5, ENCRYPTED], {"note": "x", "pin": ENCRYPTED})
    assert values(record) == ([5, CARD], {"note": "x", "pin": CARD})


def test_under_a_decorator_that_moves_arguments_every_position_is_encrypted() -> None:
    assert decode_call(built(pay_from_account, CARD, 5)) == ([ENCRYPTED, ENCRYPTED], {})


def test_what_a_call_leaves_out_is_not_encrypted() -> None:
    record = built(pay_all, 5)

    assert (record.args, record.kwargs) == ("[5]", "{}")


def test_equal_calls_have_the_same_unique_key_which_tells_nothing() -> None:
    first, second = built(pay_once, 5, CARD), built(pay_once, 5, card=CARD)

    assert first.unique_key == second.unique_key != built(pay_once, 5, "other").unique_key
    assert first.kwargs != second.kwargs


def test_a_key_that_the_project_makes_is_not_stored_in_the_clear() -> None:
    by_function, by_text = built(pay_once_a_card, 5, CARD), built(pay.using(unique=CARD), 5, "x")

    assert by_function.unique_key == built(pay_once_a_card, 9, CARD).unique_key
    assert CARD not in str(by_function.unique_key) + str(by_text.unique_key)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["only for tests"]):
        later = built(pay_once_a_card, 5, CARD)
    assert by_function.unique_key in later.earlier_keys


def test_an_error_about_an_encrypted_argument_does_not_tell_it() -> None:
    for value in ({CARD: object()}, {CARD: {7: 1}}, [CARD, {4111: 1}], CARD + "\x00"):
        with pytest.raises(InvalidArguments, match=r"An encrypted argument of .*pay") as caught:
            built(pay, 5, value)
        assert "4111" not in str(caught.value)
        assert caught.value.__suppress_context__
        with pytest.raises(InvalidArguments, match="Item 3: An encrypted") as caught:
            build_item(pay, 3, (5, value), backend="default", limit=100, cipher=CIPHER)
        assert caught.value.__cause__ is None


def test_errors_about_other_arguments_name_their_place() -> None:
    with pytest.raises(InvalidArguments, match=r"^kwargs\.note is of type object"):
        built(pay, 5, CARD, note=object())
    with pytest.raises(ArgumentsTooLarge, match="take 31 bytes"):
        built(pay, 5, CARD, note="x" * 5, limit=20)
    with pytest.raises(InvalidArguments, match="does not accept") as caught:
        built(pay, 5, CARD, CARD)
    assert CARD not in str(caught.value)


def test_a_placeholder_cannot_be_enqueued_in_place_of_its_value() -> None:
    args, kwargs = decode_call(built(pay, 5, CARD))

    with pytest.raises(InvalidArguments, match=r"args\[1\] is the placeholder \[encrypted\]"):
        built(pay.using(), *args, **kwargs)


def test_without_a_key_the_task_is_refused_with_a_remedy() -> None:
    with pytest.raises(InvalidTask, match=r"pay' has encrypted arguments.*'encryption_keys'"):
        build_record(pay, (5, CARD), {}, backend="default", limit=64_000)


def test_a_record_of_another_key_is_not_opened() -> None:
    record = built(pay, 5, CARD)

    with pytest.raises(MissingKey, match="pay' are encrypted, and none of"):
        opened_call(record.task_path, *stored(record), Cipher([new_key()]))


def test_the_depth_of_what_is_stored_has_the_same_limit() -> None:
    """MariaDB refuses JSON of 32 levels, and the stored form has one level more."""
    deep: Any = "x"
    for _ in range(30):
        deep = [deep]

    assert is_sealed(decode(built(pay, 5, deep).kwargs))
    with pytest.raises(InvalidArguments, match="deeper than 31 levels"):
        built(pay_all, 5, CARD, note=deep)
