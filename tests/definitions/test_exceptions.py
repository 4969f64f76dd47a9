"""Exception classes that the options of tasks name, also by their paths."""

from typing import Any

import pytest

from djtasks.definitions.exceptions import classes_of, contradictions
from djtasks.definitions.restoring import restore
from tests.models import Row
from tests.tasks import add


def test_a_path_stands_for_its_class_also_inside_of_another_class() -> None:
    given = (KeyError, "builtins.OSError", "tests.models.Row.DoesNotExist")

    assert classes_of(given) == (KeyError, OSError, Row.DoesNotExist)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("shop_of_nobody.Gone", "cannot be imported: ModuleNotFoundError"),
        ("tests.models.Gone", "cannot be imported: AttributeError"),
        ("tests.models.Row", "is no exception class, but <class 'tests.models.Row'>."),
    ],
)
def test_a_path_without_a_class_is_left_out_and_logged_once(
    path: str, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    classes_of.cache_clear()

    assert [classes_of((path, KeyError)) for _ in range(2)] == [(KeyError,)] * 2

    (record,) = caplog.records
    assert f"{path!r} {complaint}" in record.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, []),
        ({"retry_on": (OSError,), "give_up_on": (ConnectionError,), "cancel_on": (KeyError,)}, []),
        (
            {"give_up_on": (KeyError,), "cancel_on": (OSError, "builtins.KeyError")},
            ["builtins.KeyError is in 'give_up_on' and in 'cancel_on'."],
        ),
        (
            {"retry_on": (KeyError,), "give_up_on": (KeyError,)},
            ["builtins.KeyError is in 'retry_on' and in 'give_up_on'."],
        ),
        (
            {"retry_on": (KeyError,), "cancel_on": (KeyError,)},
            ["builtins.KeyError is in 'retry_on' and in 'cancel_on'."],
        ),
        (
            {"cancel_on": ("tests.models.Row",)},
            ["'cancel_on': 'tests.models.Row' is no exception class, but "
             "<class 'tests.models.Row'>."],
        ),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_said_in_a_sentence(
    options: dict[str, Any], said: list[str]
) -> None:
    assert list(contradictions(restore(add, **options))) == said
