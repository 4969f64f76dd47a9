"""A test may look at encrypted arguments: they are its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from djtasks import task
from djtasks.compat import task_backends
from djtasks.testing import assert_enqueued, enqueued

CARD = "4111-1111"
got: list[Any] = []


@task(encrypted="card")
def pay(amount: int, card: str) -> None:
    got.append(card)


@pytest.fixture(params=["DummyBackend", "ImmediateBackend"])
def kept(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A backend without any key in its settings."""
    given = {"BACKEND": f"djtasks.testing.{request.param}"}
    with override_settings(TASKS={"default": given}):
        yield task_backends["default"]


def test_assertions_compare_the_values_of_rows(engine: Any) -> None:
    pay.enqueue(5, CARD)

    (found,) = assert_enqueued(pay, kwargs={"card": CARD})
    assert enqueued(pay, kwargs={"card": "other"}) == []
    assert list(found.args) == [5, CARD]


@pytest.mark.django_db
def test_backends_that_store_nothing_need_no_key(kept: Any) -> None:
    got.clear()
    answer = pay.enqueue(5, card=CARD)

    assert_enqueued(pay, kwargs={"card": CARD})
    assert kept.results[0].kwargs == {"card": CARD}
    if type(kept).__name__ == "ImmediateBackend":
        assert got == [CARD]
    else:
        assert answer.kwargs == {"card": "[encrypted]"}
