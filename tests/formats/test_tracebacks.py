"""Errors as text, whatever the exception does to whoever prints it, and that text as frames."""

import asyncio
import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.errors import Cancel
from djtasks.formats.tracebacks import (
    MAX_ERROR_BYTES,
    MAX_MESSAGE,
    class_path,
    describe,
    fingerprint_of,
    frames_of,
    is_own,
    place_of,
    shortened,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Hostile(Exception):
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    def __str__(self) -> Any:
        return self.answer()

    __repr__ = __str__


class Outer:
    class Inner(Exception):
        pass


class Nameless(Exception):
    __module__ = "a\x00\udfff"


class BrokenNotes(Exception):
    @property
    def __notes__(self) -> NoReturn:
        raise RuntimeError("no")


def raised(error: BaseException) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def raised_by(function: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        function()
    return caught.value


def explode() -> NoReturn:
    raise RuntimeError("no")


def leave() -> NoReturn:
    raise SystemExit(3)


def fails_itself() -> None:
    raise ValueError("boom")


def fails_in_python() -> None:
    json.loads("{")


def fails_while_handling() -> None:
    try:
        fails_itself()
    except ValueError as error:
        raise KeyError("second") from error


def ping(depth: int) -> None:
    pong(depth + 1)


def pong(depth: int) -> None:
    ping(depth + 1)


@pytest.mark.parametrize(
    ("error", "path"),
    [
        (ValueError(), "builtins.ValueError"),
        (asyncio.CancelledError(), "asyncio.exceptions.CancelledError"),
        (Cancel(), "djtasks.errors.Cancel"),
        (Outer.Inner(), "tests.formats.test_tracebacks.Outer.Inner"),
        (Nameless(), "a\\x00\\udfff.Nameless"),
        (type("x" * 1_000, (Exception,), {})(), "tests.formats.test_tracebacks." + "x" * 270),
    ],
)
def test_an_exception_is_named_by_the_dotted_path_of_its_class(
    error: BaseException, path: str
) -> None:
    assert class_path(error) == path


def test_an_entry_tells_what_happened_where_and_when() -> None:
    before = datetime.now(UTC)

    entry = describe(raised(ValueError("boom")), worker="w1", started_at=NOON)

    assert entry["class"] == "builtins.ValueError"
    assert entry["message"] == "boom"
    assert entry["traceback"].startswith("Traceback (most recent call last):\n")
    assert entry["traceback"].endswith("\n    raise error\nValueError: boom\n")
    assert entry["worker"] == "w1"
    assert entry["started_at"] == "2026-01-02T12:00:00+00:00"
    assert before <= datetime.fromisoformat(entry["at"]) <= datetime.now(UTC)


def test_causes_and_notes_are_told() -> None:
    error = ValueError("boom")
    error.__cause__ = KeyError("cause")
    error.add_note("while nobody looked")

    text = describe(error)["traceback"]

    assert "KeyError: 'cause'" in text
    assert "while nobody looked" in text


def test_an_attempt_that_never_started_has_no_start() -> None:
    assert describe(ValueError("boom"))["started_at"] is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (explode, "<its __str__ raised RuntimeError>"),
        (leave, "<its __str__ raised SystemExit>"),
        (lambda: 7, "<its __str__ raised TypeError>"),
        (lambda: "a\x00b", "a\\x00b"),
        (lambda: "\udfff", "\\udfff"),
    ],
)
def test_a_hostile_exception_is_put_down_as_such(answer: Callable[[], Any], message: str) -> None:
    entry = describe(raised(Hostile(answer)))

    assert entry["message"] == message
    assert "Hostile" in entry["traceback"]
    assert "\x00" not in entry["traceback"]
    assert entry["traceback"].encode()


def test_an_exception_that_cannot_be_formatted_is_still_named() -> None:
    entry = describe(raised(BrokenNotes("boom")))

    assert entry["message"] == "boom"
    assert "BrokenNotes: boom\n" in entry["traceback"]


def test_an_endless_recursion_is_told_shortly() -> None:
    with pytest.raises(RecursionError) as recursion:
        ping(0)

    entry = describe(recursion.value)

    assert entry["class"] == "builtins.RecursionError"
    assert len(entry["traceback"].encode()) <= MAX_ERROR_BYTES


def test_a_huge_message_is_cut() -> None:
    entry = describe(raised(ValueError("é" * 1_000_000)))

    assert entry["message"] == "é" * MAX_MESSAGE
    assert len(entry["traceback"].encode()) <= MAX_ERROR_BYTES
    assert "characters left out ...]" in entry["traceback"]


@pytest.mark.parametrize("text", ["", "a" * MAX_ERROR_BYTES, "é" * (MAX_ERROR_BYTES // 2)])
def test_text_that_fits_is_left_alone(text: str) -> None:
    assert shortened(text) == text


def test_longer_text_loses_its_middle() -> None:
    text = "head" + "x" * 2 * MAX_ERROR_BYTES + "tail"

    short = shortened(text)

    head, _, rest = short.partition("\n[... ")
    count, _, tail = rest.partition(" characters left out ...]\n")
    assert (head[:4], tail[-4:]) == ("head", "tail")
    assert len(head) + int(count.replace(",", "")) + len(tail) == len(text)


@given(st.text(min_size=1), st.integers(1, 40_000))
def test_no_text_is_longer_than_16_kb(text: str, times: int) -> None:
    plain = text.encode(errors="replace").decode()

    assert len(shortened(plain * (times // len(plain) + 1)).encode()) <= MAX_ERROR_BYTES


def test_the_place_is_the_innermost_line_of_the_projects_own_code() -> None:
    place = place_of(raised_by(fails_in_python))

    assert place.startswith("tests/formats/test_tracebacks.py:")
    assert place.endswith(" in fails_in_python")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError("new")) == ""


def test_frames_are_told_as_own_or_foreign() -> None:
    text = describe(raised_by(fails_in_python))["traceback"]

    frames = frames_of(text)

    assert [frame.is_own for frame in frames] == [True, True, False, False, False]
    assert frames[1].function == "fails_in_python"
    assert frames[1].source == 'json.loads("{")'
    assert frames[2].file.endswith("json/__init__.py")


def test_the_frames_are_those_of_the_last_exception_of_a_chain() -> None:
    frames = frames_of("".join(traceback.format_exception(raised_by(fails_while_handling))))

    assert [frame.function for frame in frames] == ["raised_by", "fails_while_handling"]


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
