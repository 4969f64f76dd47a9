"""Whether a call fits a function, asked where it is enqueued."""

import functools
from typing import Any

import pytest

from djtasks.definitions.signatures import arguments_of, check_call, parameter_names
from djtasks.errors import InvalidArguments


def plain(a: int, b: int = 2) -> None: ...
def keyword_only(a: int, *, flag: bool) -> None: ...
def optional_keyword(a: int, *, flag: bool = True) -> None: ...
def positional_only(a: int, /, b: int) -> None: ...
def many(*values: int) -> None: ...
def anything(a: int, *values: int, **options: int) -> None: ...
def nothing() -> None: ...
def with_context(context: object, a: int) -> None: ...


def passing_on(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def giving_a(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(b: int) -> Any:
        return function(1, b)

    return wrapper


def taking_key_away(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, key: str, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (plain, (1,), {}),
        (plain, (1, 2), {}),
        (plain, (1,), {"b": 2}),
        (plain, (), {"b": 2, "a": 1}),
        (keyword_only, (1,), {"flag": True}),
        (optional_keyword, (1,), {}),
        (positional_only, (1, 2), {}),
        (positional_only, (1,), {"b": 2}),
        (many, (), {}),
        (many, (1, 2, 3), {}),
        (anything, (1, 2, 3), {"x": 4}),
        (nothing, (), {}),
        (giving_a(plain), (2,), {}),
        (giving_a(plain), (), {"b": 2}),
        (taking_key_away(plain), (1,), {"key": "x"}),
        (passing_on(giving_a(plain)), (2,), {}),
        (functools.partial(plain, 1), (2,), {}),
    ],
)
def test_a_call_that_fits_passes(function: Any, args: Any, kwargs: Any) -> None:
    check_call("shop.pay", function, args, kwargs, takes_context=False)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "complaint"),
    [
        (plain, (), {}, "missing a required argument: 'a'. Its signature is (a: int, b: int"),
        (plain, (1, 2, 3), {}, "too many positional arguments"),
        (plain, (1,), {"c": 3}, "got an unexpected keyword argument 'c'"),
        (plain, (1,), {"a": 1}, "multiple values for argument 'a'"),
        (keyword_only, (1,), {}, "missing a required"),
        (keyword_only, (1, True), {}, "too many positional arguments"),
        (positional_only, (), {"a": 1, "b": 2}, "'a'"),
        (nothing, (1,), {}, "too many positional arguments"),
        (giving_a(plain), (1, 2), {}, "too many positional arguments. Its signature is (b: int"),
        (taking_key_away(plain), (1,), {}, "missing a required"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_with_the_signature(
    function: Any, args: Any, kwargs: Any, complaint: str
) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        check_call("shop.pay", function, args, kwargs, takes_context=False)

    assert str(refusal.value).startswith("Task 'shop.pay' does not accept these arguments: ")
    assert complaint in str(refusal.value)


def test_a_refusal_shows_no_default_which_may_be_sensitive() -> None:
    def unlock(door: int, code: str = "sesame") -> None: ...

    with pytest.raises(InvalidArguments, match=r"is \(door: int, code: str = \.\.\.\) -> None\."):
        check_call("shop.unlock", unlock, (), {}, takes_context=False)


def test_the_context_is_not_the_callers_to_give() -> None:
    check_call("shop.pay", with_context, (1,), {}, takes_context=True)

    with pytest.raises(InvalidArguments, match=r"Its signature is \(a: int\)"):
        check_call("shop.pay", with_context, (object(), 1), {}, takes_context=True)


def test_a_refusal_is_the_type_error_that_django_promises() -> None:
    with pytest.raises(TypeError):
        check_call("shop.pay", plain, (), {}, takes_context=False)


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1, 3), {}), ((1,), {"b": 3}), ((), {"b": 3, "a": 1})]
)
def test_equal_calls_have_equal_arguments(args: Any, kwargs: Any) -> None:
    assert arguments_of(plain, args, kwargs, takes_context=False) == {"a": 1, "b": 3}


@pytest.mark.parametrize(("args", "kwargs"), [((1,), {}), ((1, 2), {}), ((), {"b": 2, "a": 1})])
def test_an_argument_that_equals_its_default_is_left_out(args: Any, kwargs: Any) -> None:
    assert arguments_of(plain, args, kwargs, takes_context=False) == {"a": 1}


def test_arguments_that_were_not_passed_are_left_out() -> None:
    assert arguments_of(plain, (1,), {}, takes_context=False) == {"a": 1}
    assert arguments_of(with_context, (1,), {}, takes_context=True) == {"a": 1}


def test_a_decorator_that_passes_everything_on_keeps_the_names_of_its_function() -> None:
    wrapped = passing_on(plain)

    assert parameter_names(wrapped, takes_context=False) == ["a", "b"]
    assert arguments_of(wrapped, (1,), {"b": 3}, takes_context=False) == {"a": 1, "b": 3}


def test_a_decorator_with_parameters_of_its_own_has_their_names() -> None:
    assert parameter_names(giving_a(plain), takes_context=False) == ["b"]
    assert arguments_of(giving_a(plain), (2,), {}, takes_context=False) == {"b": 2}


def test_a_call_that_only_the_decorator_accepts_has_the_names_of_the_decorator() -> None:
    call = arguments_of(taking_key_away(plain), (1,), {"key": "x"}, takes_context=False)

    assert call == {"args": (1,), "key": "x"}


def test_a_decorator_may_pass_the_context_on_with_everything_else() -> None:
    wrapped = passing_on(with_context)

    check_call("shop.pay", wrapped, (1,), {}, takes_context=True)

    assert parameter_names(wrapped, takes_context=True) == ["a"]
