"""What nobody may read is taken out, however it was passed."""

import functools
from typing import Any

import pytest

from djtasks import task
from djtasks.context import Context
from djtasks.definitions.redaction import HIDDEN, redacted, redacted_value
from djtasks.options import REDACT


@task(sensitive=("iban", "rest"))
def pay(iban: str, amount: int, *rest: str, note: str = "") -> None: ...


@task(sensitive="iban", takes_context=True)
def pay_in_context(context: Context, iban: str, amount: int) -> None: ...


def with_account(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function("account", *args, **kwargs)

    return wrapper


@task(sensitive="iban")
@with_account
def pay_from_account(account: str, iban: str, amount: int) -> None: ...


def shown(task_: Any, *args: Any, **kwargs: Any) -> Any:
    return redacted(args, kwargs, task_, pattern=REDACT)


def test_an_argument_named_sensitive_is_hidden_by_place_and_by_name() -> None:
    assert shown(pay, "DE02", 5) == ([HIDDEN, 5], {})
    assert shown(pay, amount=5, iban="DE02") == ([], {"amount": 5, "iban": HIDDEN})
    assert shown(pay, "DE02", 5, "a", "b") == ([HIDDEN, 5, HIDDEN, HIDDEN], {})


def test_a_sensitive_name_hides_every_place_under_a_decorator_that_may_move_it() -> None:
    assert shown(pay_from_account, "DE02", 5) == ([HIDDEN, HIDDEN], {})
    assert shown(pay_from_account, iban="DE02", amount=5) == ([], {"iban": HIDDEN, "amount": 5})


def test_the_context_is_no_argument_of_the_caller() -> None:
    assert shown(pay_in_context, "DE02", 5) == ([HIDDEN, 5], {})


@pytest.mark.parametrize(
    "name",
    ["password", "new_passwd", "API_KEY", "apikey", "token", "accessToken", "Authorization",
     "client_secret", "private_key", "cookies", "credentials"],
)  # fmt: skip
def test_names_that_look_like_secrets_are_hidden_at_any_depth(name: str) -> None:
    args, kwargs = shown(None, [{"deep": {name: "x", "kept": 1}}], **{name: "x"})

    assert args == [[{"deep": {name: HIDDEN, "kept": 1}}]]
    assert kwargs == {name: HIDDEN}


def test_other_names_are_left_alone() -> None:
    values = {"passenger": 1, "keyboard": 2, "author": 3, "items": [1, None, "x"]}

    assert shown(None, **values) == ([], values)


def test_without_a_pattern_only_what_the_task_names_is_hidden() -> None:
    assert redacted(["DE02", 5], {"note": {"token": "x"}}, pay, pattern="") == (
        [HIDDEN, 5],
        {"note": {"token": "x"}},
    )


def test_results_are_redacted_by_key() -> None:
    value = {"id": 7, "token": "x"}

    assert redacted_value(value, pattern=REDACT) == {"id": 7, "token": HIDDEN}
    assert redacted_value(None, pattern=REDACT) is None
