"""The Redis user of docs/guides/security.md, on a real server: enough, and no more."""

import re
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import caches
from django.test import override_settings
from redis.exceptions import NoPermissionError

from djtasks.doctor import examine
from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.protocol.hints import Hint
from tests.settings import CACHES

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "security.md"
FORBIDDEN = [
    ["FLUSHDB"],
    ["KEYS", "*"],
    ["CONFIG", "GET", "*"],
    ["EVAL", "return 1", "0"],
    ["INFO"],
]


@pytest.fixture
def as_user(own_valkey):
    """Make the user as the page has it, and connect as nobody else."""
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = own_valkey.url
    line = re.search(r"^ACL SETUSER .*$", PAGE.read_text(), re.MULTILINE)[0]
    with override_settings(CACHES=changed):
        client = caches["tasks"].client.get_client()
        client.execute_command(*line.split())
        client.execute_command("ACL", "SETUSER", "default", "off")
        client.connection_pool.disconnect()
    changed["tasks"]["LOCATION"] = own_valkey.url.replace("unix://", "unix://shop:secret@")
    with override_settings(CACHES=changed):
        yield


@pytest.mark.django_db(transaction=True)
def test_the_user_of_the_page_can_do_what_a_broker_does(live_engine, as_user):
    broker = engine_of("default").broker
    first, second = new_id(), new_id()

    broker.push([Hint(first, "default", 1), Hint(second, "default", 2)])
    assert broker.depths(["default"]) == {"default": 2}
    broker.discard("default", [second])
    assert broker.pop(["default"], limit=5, wait=timedelta(0)) == [first]
    assert broker.pop(["default"], limit=5, wait=timedelta(seconds=0.01)) == []

    parts = {f.part for f in examine("default") if f.part not in ("workers", "rights")}
    bad = [f for f in examine("default") if f.is_bad and f.part != "workers"]
    assert {"push", "pop"} <= parts
    assert bad == []


@pytest.mark.django_db(transaction=True)
def test_the_user_of_the_page_can_do_nothing_else(live_engine, as_user):
    client = engine_of("default").broker._pushing.client

    for command in FORBIDDEN:
        with pytest.raises(NoPermissionError):
            client.execute_command(*command)
    with pytest.raises(NoPermissionError):
        client.zadd("sessions:of-somebody", {"x": 1})
