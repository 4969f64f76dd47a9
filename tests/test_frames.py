"""Frames of tracebacks, and what failures of one kind have in common."""

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from djtasks.frames import fingerprint_of, frames_of, is_own, place_of
from djtasks.tracebacks import describe


def raised(function: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        function()
    return caught.value


def fails_itself() -> None:
    raise ValueError("boom")


def fails_in_python() -> None:
    json.loads("{")


def fails_while_handling() -> None:
    try:
        fails_itself()
    except ValueError as error:
        raise KeyError("second") from error


def test_the_place_is_the_innermost_line_of_the_projects_own_code() -> None:
    place = place_of(raised(fails_in_python))

    assert place.startswith("tests/test_frames.py:")
    assert place.endswith(" in fails_in_python")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError("new")) == ""


def test_frames_are_told_as_own_or_foreign() -> None:
    text = describe(raised(fails_in_python))["traceback"]

    frames = frames_of(text)

    assert [frame.is_own for frame in frames] == [True, True, False, False, False]
    assert frames[1].function == "fails_in_python"
    assert frames[1].source == 'json.loads("{")'
    assert frames[2].file.endswith("json/__init__.py")


def test_the_frames_are_those_of_the_last_exception_of_a_chain() -> None:
    frames = frames_of("".join(traceback.format_exception(raised(fails_while_handling))))

    assert [frame.function for frame in frames] == ["raised", "fails_while_handling"]


@pytest.mark.parametrize("text", ["", "no traceback", '  File "x", line 1', "Traceback ("])
def test_what_is_no_traceback_has_few_frames_and_no_error(text: str) -> None:
    assert len(frames_of(text)) <= 1


@pytest.mark.parametrize(
    "file", ["/x/site-packages/django/db.py", "<frozen runpy>", "<string>", json.__file__]
)
def test_installed_code_is_foreign(file: str) -> None:
    assert not is_own(file)


def test_failures_are_told_apart_by_task_class_and_function_only() -> None:
    error, place = ValueError("boom"), "shop/tasks.py:10 in send"
    known = fingerprint_of("shop.tasks.send", error, place)

    assert fingerprint_of("shop.tasks.send", ValueError("other"), place) == known
    assert fingerprint_of("shop.tasks.send", error, "shop/tasks.py:99 in send") == known
    assert len({
        known,
        fingerprint_of("shop.tasks.other", error, place),
        fingerprint_of("shop.tasks.send", KeyError("boom"), place),
        fingerprint_of("shop.tasks.send", error, "shop/tasks.py:10 in other"),
        fingerprint_of("shop.tasks.send", error, "shop/mail.py:10 in send"),
    }) == 5  # fmt: skip
