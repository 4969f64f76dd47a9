"""Every broker of djtasks keeps the contract."""

from typing import Any

import pytest

from djtasks.brokers import Broker
from djtasks.brokers.memory import MemoryBroker
from djtasks.brokers.redis import RedisBroker
from djtasks.options import parse_options
from djtasks.testing import BrokerContract
from tests.conftest import flush_redis


class TestMemory(BrokerContract):
    @pytest.fixture
    def broker(self) -> Broker:
        return MemoryBroker("default", parse_options({"broker": "memory"}), lambda: "n")


@pytest.mark.usefixtures("servers")
class TestRedis(BrokerContract):
    @pytest.fixture
    def broker(self) -> Any:
        flush_redis()
        return RedisBroker("default", parse_options({"cache": "tasks"}), lambda: "n")
