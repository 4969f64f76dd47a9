"""What the Redis broker does with an index that others have written into."""

import gc
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import caches

from djtasks.brokers.redis import RedisBroker
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.options import parse_options
from djtasks.protocol.hints import score_of
from djtasks.store import open_store
from djtasks.testing.broker_contract import NOON, NOT_AT_ALL, hint, ids_of
from tests.conftest import flush_redis

pytestmark = pytest.mark.usefixtures("servers")

KEY = "djtasks:{n:default}:default"


@pytest.fixture
def broker() -> RedisBroker:
    flush_redis()
    return broker_of("default")


@pytest.fixture
def redis() -> Any:
    cache: Any = caches["tasks"]
    return cache.client.get_client()


def broker_of(alias: str, namespace: str = "n") -> RedisBroker:
    return RedisBroker(alias, parse_options({"cache": "tasks"}), lambda: namespace)


def test_an_id_is_sixteen_bytes_ranked_by_its_score(broker: RedisBroker, redis: Any) -> None:
    pushed = hint(priority=7)

    broker.push([pushed])

    assert redis.zrange(KEY, 0, -1, withscores=True) == [
        (pushed.id.bytes, float(score_of(7, NOON)))
    ]


def test_a_broker_that_nobody_has_any_more_hangs_up() -> None:
    broker = broker_of("default")
    broker.push([hint()])
    connection = broker._pushing.client.connection_pool.get_connection()
    assert connection.is_connected

    del broker
    gc.collect()

    assert not connection.is_connected


def test_garbage_is_dropped_and_the_rest_is_popped(
    broker: RedisBroker, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pushed = hint()
    broker.push([pushed])
    redis.zadd(KEY, {b"": 0, b"short": 1, b"x" * 17: 2, str(pushed.id): 3, b"\xff" * 15: 4})

    with caplog.at_level(logging.WARNING, "djtasks.brokers"):
        popped = broker.pop(["default"], limit=10, wait=NOT_AT_ALL)

    assert popped == [pushed.id]
    assert "count=5" in caplog.text
    assert broker.depths(["default"]) == {"default": 0}


@pytest.mark.parametrize("score", ["-inf", "inf", -1, 1e300])
def test_a_forged_rank_is_mended_by_the_next_push(
    broker: RedisBroker, redis: Any, score: Any
) -> None:
    forged, first = hint(), hint(priority=100)
    redis.execute_command("ZADD", KEY, score, forged.id.bytes)

    new = broker.push([forged, first])

    assert new == 1
    assert broker.pop(["default"], limit=2, wait=NOT_AT_ALL) == [first.id, forged.id]


@pytest.mark.django_db
def test_a_forged_id_makes_nothing_run(broker: RedisBroker, redis: Any) -> None:
    ids = [new_id(), UUID(int=0), UUID(int=2**128 - 1)]
    redis.zadd(KEY, {id_.bytes: 0 for id_ in ids})

    popped = broker.pop(["default"], limit=3, wait=NOT_AT_ALL)

    assert sorted(popped) == sorted(ids)
    assert open_store("default").claim(popped, worker=new_id(), queues=None) == []
    assert not TaskRecord.objects.exists()


@pytest.mark.parametrize(
    "foreign", [("SET", "x"), ("RPUSH", "x"), ("SADD", "x"), ("HSET", "x", "y")], ids=lambda f: f[0]
)
def test_a_value_of_another_type_under_our_key_makes_room(
    broker: RedisBroker, redis: Any, foreign: tuple[str, ...]
) -> None:
    command, *values = foreign
    other, pushed = hint("mail"), hint()
    broker.push([other])
    redis.execute_command(command, KEY, *values)

    with pytest.raises(BrokerUnavailable, match="WRONGTYPE"):
        broker.push([pushed])

    assert broker.push([pushed]) == 1
    assert broker.depths(["default", "mail"]) == {"default": 1, "mail": 1}


def test_a_pop_makes_room_too(broker: RedisBroker, redis: Any) -> None:
    redis.set(KEY, "foreign")

    with pytest.raises(BrokerUnavailable, match="WRONGTYPE"):
        broker.pop(["default"], limit=1, wait=timedelta(seconds=0.1))

    assert broker.pop(["default"], limit=1, wait=NOT_AT_ALL) == []


@pytest.mark.parametrize("other", [("default", "m"), ("other", "n")])
def test_neither_other_installations_nor_other_aliases_see_our_hints(
    broker: RedisBroker, other: tuple[str, str]
) -> None:
    alias, namespace = other
    pushed = hint()
    broker.push([pushed])

    assert broker_of(alias, namespace).pop(["default"], limit=1, wait=NOT_AT_ALL) == []

    assert broker.pop(["default"], limit=1, wait=NOT_AT_ALL) == ids_of([pushed])


def test_discarded_ids_are_gone(broker: RedisBroker) -> None:
    unwanted, kept = hint(), hint()
    broker.push([unwanted, kept])

    broker.discard("default", [unwanted.id])

    assert broker.pop(["default"], limit=2, wait=NOT_AT_ALL) == [kept.id]
