"""Redis as it stands in real installations: other programs, TLS, users, Sentinel, Cluster."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django.test import override_settings

from djtasks import brokers
from djtasks.brokers import Broker, redis_clients
from djtasks.brokers.redis import RedisBroker
from djtasks.errors import BrokerUnavailable
from djtasks.options import parse_options
from djtasks.testing import BrokerContract
from djtasks.testing.broker_contract import NOT_AT_ALL, hint
from tests import installations
from tests.settings import CACHES
from tests.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a producer waits is tested elsewhere; a busy machine may take its time here."""
    for module, name in ((brokers.redis, "PUSH_LIMIT"), (brokers.redis, "PUSH_TIMEOUT")):
        monkeypatch.setattr(module, name, 30.0)
    monkeypatch.setattr(redis_clients, "PUSH_TIMEOUT", 30.0)


def broker_at(cache: dict[str, Any]) -> Any:
    """Return a broker on a CACHES entry; the broker keeps it after the settings are back."""
    with override_settings(CACHES=CACHES | {"tasks": deepcopy(cache)}):
        return RedisBroker("default", parse_options({"cache": "tasks"}), lambda: "n")


def emptied(broker: Any) -> Broker:
    for queue in ("default", "mail", "reports"):
        while broker.pop([queue], limit=10_000, wait=NOT_AT_ALL):
            pass
    return broker


@pytest.fixture(scope="module")
def system_redis() -> Iterator[dict[str, Any]]:
    if installations.REDIS is None:
        pytest.skip("redis-server is not installed; the other tests have Valkey")
    with installations.alone(installations.REDIS) as cache:
        yield cache


@pytest.fixture(scope="module")
def guarded() -> Iterator[dict[str, Any]]:
    if installations.REDIS is None:
        pytest.skip("Valkey's wheel is built without TLS, and redis-server is not installed")
    with installations.guarded(installations.REDIS) as cache:
        yield cache


@pytest.fixture(scope="module")
def least() -> Iterator[dict[str, Any]]:
    with installations.least() as cache:
        yield cache


@pytest.fixture(scope="module")
def cluster() -> Iterator[installations.Cluster]:
    with installations.cluster() as made:
        yield made


class TestSystemRedis(BrokerContract):
    @pytest.fixture
    def broker(self, system_redis: dict[str, Any]) -> Broker:
        return emptied(broker_at(system_redis))


class TestTheLeastRights(BrokerContract):
    @pytest.fixture
    def broker(self, least: dict[str, Any]) -> Broker:
        return emptied(broker_at(least))

    def test_there_is_nothing_to_complain_about(self, broker: Broker) -> None:
        assert broker.diagnose() == []

    def test_nothing_else_is_allowed(self, least: dict[str, Any]) -> None:
        with redis.Redis.from_url(least["LOCATION"]) as client:
            for command in (("FLUSHALL",), ("KEYS", "*"), ("SET", "djtasks:x", "y")):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.zadd("sessions", {"x": 0})


class TestTLS(BrokerContract):
    @pytest.fixture
    def broker(self, guarded: dict[str, Any]) -> Broker:
        return emptied(broker_at(guarded))

    def test_there_is_nothing_to_complain_about(self, broker: Broker) -> None:
        assert broker.diagnose() == []

    def test_a_wrong_password_is_a_broker_that_is_away(self, guarded: dict[str, Any]) -> None:
        wrong = guarded | {"LOCATION": guarded["LOCATION"].replace(installations.PASSWORD, "wrong")}

        with pytest.raises(BrokerUnavailable, match="invalid username-password"):
            broker_at(wrong).push([hint()])

    def test_a_server_nobody_vouches_for_is_not_spoken_to(self, guarded: dict[str, Any]) -> None:
        with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            broker_at(guarded | {"OPTIONS": {}}).push([hint()])


class TestTLSByDjangosCache(BrokerContract):
    @pytest.fixture
    def cache(self, guarded: dict[str, Any]) -> dict[str, Any]:
        """Django's own backend, whose OPTIONS go to the connections as they are."""
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": guarded["LOCATION"],
            "OPTIONS": guarded["OPTIONS"]["CONNECTION_POOL_KWARGS"],
        }

    @pytest.fixture
    def broker(self, cache: dict[str, Any]) -> Broker:
        return emptied(broker_at(cache))

    def test_there_is_nothing_to_complain_about(self, broker: Broker) -> None:
        assert broker.diagnose() == []

    def test_a_server_nobody_vouches_for_is_not_spoken_to(self, cache: dict[str, Any]) -> None:
        with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            broker_at(cache | {"OPTIONS": {}}).push([hint()])


class TestCluster(BrokerContract):
    @pytest.fixture
    def broker(self, cluster: installations.Cluster) -> Broker:
        return emptied(broker_at(cluster.cache))

    def test_there_is_nothing_to_complain_about(self, broker: Broker) -> None:
        assert broker.diagnose() == []

    def test_a_slot_that_moves_to_another_node_is_followed(
        self, broker: Any, cluster: installations.Cluster
    ) -> None:
        before, after = hint(), hint()
        broker.push([before])
        key = broker._key("default")

        cluster.move(key)

        for _moved in ("a push", "a pop"):
            with pytest.raises(BrokerUnavailable, match="moved"):
                broker.push([after]) if _moved == "a push" else broker.pop(
                    ["default"], limit=9, wait=NOT_AT_ALL
                )
        broker.push([after])
        assert broker.pop(["default"], limit=9, wait=NOT_AT_ALL) == [before.id, after.id]

    def test_one_node_that_is_left_tells_about_the_others(
        self, cluster: installations.Cluster
    ) -> None:
        cache = cluster.cache
        cache["LOCATION"] = ["redis://127.0.0.1:1/0", cache["LOCATION"][0]]

        assert broker_at(cache).push([hint()]) == 1

    def test_the_alias_is_a_cache_too(self, cluster: installations.Cluster) -> None:
        with override_settings(CACHES=CACHES | {"tasks": cluster.cache}):
            cache = caches["tasks"]
            cache.set_many({f"key-{number}": number for number in range(9)})

            assert [cache.get(f"key-{number}") for number in range(9)] == list(range(9))
            cache.close()


def test_a_failover_is_followed_and_nobody_waits_for_it() -> None:
    with installations.watched() as site:
        broker, first, second = broker_at(site.cache), hint(), hint()
        broker.push([first])
        assert broker.depths(["default"]) == {"default": 1}

        site.fail_over()

        eventually(lambda: _pushed(broker, second), seconds=60)
        assert second.id in broker.pop(["default"], limit=9, wait=NOT_AT_ALL)
        assert broker.diagnose() == []


def _pushed(broker: Any, one: Any) -> bool:
    try:
        broker.push([one])
    except BrokerUnavailable:
        return False
    return True
