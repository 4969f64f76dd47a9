"""`check --deploy` tells of a Redis that others can reach."""

from copy import deepcopy
from typing import Any

import pytest
from django.test import override_settings

from djtasks.checks import check_exposure
from tests.settings import CACHES
from tests.test_checks import ids, with_tasks


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("redis://127.0.0.1:6379/0", []),
        ("redis://localhost/0", []),
        ("redis://[::1]:6379/0", []),
        ("unix:///run/redis.sock?db=1", []),
        ("rediss://me:secret@redis.example:6380/0", []),
        ("redis://:secret@10.0.0.5:6379/0", ["djtasks.W015"]),
        ("rediss://redis.example/0", ["djtasks.W016"]),
        ("redis://redis.example:6379/0", ["djtasks.W015", "djtasks.W016"]),
        ("redis://127.0.0.1/0,redis://:s@replica.example/0", ["djtasks.W015"]),
        (["redis://127.0.0.1/0", "rediss://redis.example/0"], ["djtasks.W016"]),
        ("redis://redis.example:what/0", []),
    ],
)
def test_w015_and_w016_a_redis_that_others_can_reach(location: Any, expected: list[str]) -> None:
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = location
    with override_settings(CACHES=changed):
        messages = check_exposure()

    assert ids(messages) == expected
    assert "secret" not in str(messages)


def test_w016_knows_passwords_of_the_options() -> None:
    changed = deepcopy(CACHES)
    changed["tasks"] |= {"LOCATION": "rediss://r.example/0", "OPTIONS": {"PASSWORD": "secret"}}
    with override_settings(CACHES=changed):
        assert check_exposure() == []
    with with_tasks(OPTIONS={"brokr": 1}):
        assert check_exposure() == []
