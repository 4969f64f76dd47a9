"""System checks of tasks and schedules: each id, when it is given and when it is not."""

from typing import Any

import pytest

from djtasks.checks import check_alias
from djtasks.definitions import registry
from djtasks.definitions.task import restore
from tests.tasks import add, reads_row
from tests.test_checks import told, with_tasks


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tasks that the registry lists."""
    known: list[Any] = []
    monkeypatch.setattr(registry, "all_tasks", lambda: known)
    return known


def test_e022_rules_for_exceptions_that_contradict_each_other(known: list[Any]) -> None:
    known += [reads_row, restore(add, give_up_on=(KeyError,), cancel_on=(KeyError,))]

    with with_tasks():
        message = told(check_alias("default"), "djtasks.E022")

        assert (
            "Task 'tests.tasks.add': builtins.KeyError is in 'give_up_on' and in 'cancel_on'."
            in message
        )
        known[:] = [reads_row, restore(add, give_up_on=(KeyError,), cancel_on=(LookupError,))]
        assert check_alias("default") == []
