"""Every broker of djtasks keeps the contract."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from djtasks.brokers import Broker
from djtasks.brokers.memory import MemoryBroker
from djtasks.brokers.redis import RedisBroker
from djtasks.options import parse_options
from djtasks.testing import BrokerContract
from tests.conftest import flush_redis
from tests.settings import CACHES

DJANGOS = "django.core.cache.backends.redis.RedisCache"


class TestMemory(BrokerContract):
    @pytest.fixture
    def broker(self) -> Broker:
        return MemoryBroker("default", parse_options({"broker": "memory"}), lambda: "n")


@pytest.mark.usefixtures("servers")
class TestRedisOverDjangosCache(BrokerContract):
    @pytest.fixture
    def broker(self) -> Iterator[Any]:
        flush_redis()
        location = CACHES["tasks"]["LOCATION"]
        options = {"pool_class": "redis.BlockingConnectionPool", "decode_responses": True}
        made = {"BACKEND": DJANGOS, "LOCATION": [location, location], "OPTIONS": options}
        with override_settings(CACHES=CACHES | {"djangos": made}):
            yield RedisBroker("default", parse_options({"cache": "djangos"}), lambda: "n")


@pytest.mark.usefixtures("servers")
class TestRedis(BrokerContract):
    @pytest.fixture
    def broker(self) -> Any:
        flush_redis()
        return RedisBroker("default", parse_options({"cache": "tasks"}), lambda: "n")
