"""System checks of the keys that TASKS and CACHES have."""

import pytest

from djtasks.checks import check_alias
from tests.test_checks import told, with_tasks


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("OPTONS", "Did you mean 'OPTIONS'?"),
        ("queues", "Did you mean 'QUEUES'?"),
        ("TIMEOUT", "Known: BACKEND, QUEUES, OPTIONS."),
    ],
)
def test_e021_a_key_beside_options_that_nobody_reads(key: str, meant: str) -> None:
    with with_tasks(**{key: {}}):
        said = told(check_alias("default"), "djtasks.E021")

    assert said.strip() == f"TASKS['default'] has the unknown key {key!r}. {meant}"


def test_e003_a_cache_that_does_not_exist_is_named_with_those_that_do() -> None:
    with with_tasks(OPTIONS={"cache": "task"}):
        said = told(check_alias("default"), "djtasks.E003")

    assert said.strip() == (
        "TASKS['default']: OPTIONS['cache'] names 'task', which CACHES does not have. It has: "
        "default, tasks. Did you mean 'tasks'?"
    )
