"""What can be wrong with a Redis server."""

from typing import Any

import pytest
from django.core.cache import caches
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from djtasks.brokers.redis_diagnosis import diagnose


class Server:
    """What a Redis says of itself."""

    def __init__(self, version: str = "7.0.0", policy: str | None = "noeviction") -> None:
        self.version = version
        self.policy = policy

    def info(self, section: str) -> dict[str, str]:
        return {"redis_version": self.version}

    def config_get(self, name: str) -> dict[str, str]:
        if self.policy is None:
            raise NoPermissionError("this user has no permissions to run 'config|get'")
        return {name: self.policy}


class Unreachable:
    def info(self, section: str) -> dict[str, str]:
        raise RedisConnectionError("Connection refused.")


def codes_of(server: Any) -> list[str]:
    return [problem.code for problem in diagnose(server, "tasks")]


@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "8.1", "10.0.0"])
def test_a_server_that_is_new_enough_has_no_problem(version: str) -> None:
    assert codes_of(Server(version)) == []


@pytest.mark.parametrize("version", ["6.2.14", "2.8.0", "unknown"])
def test_an_older_one_has_no_bzmpop(version: str) -> None:
    assert codes_of(Server(version)) == ["too-old"]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_evicts_is_reported(policy: str) -> None:
    (problem,) = diagnose(Server(policy=policy), "tasks")

    assert problem.code == "eviction"
    assert policy in problem.message
    assert "noeviction" in problem.remedy


def test_a_server_that_does_not_tell_its_policy_is_trusted() -> None:
    assert codes_of(Server(policy=None)) == []


def test_a_server_that_does_not_answer_is_named() -> None:
    (problem,) = diagnose(Unreachable(), "tasks")

    assert problem.code == "unreachable"
    assert "CACHES['tasks']" in problem.message
    assert "Connection refused." in problem.message


class Forbidding(Server):
    def info(self, section: str) -> dict[str, str]:
        raise NoPermissionError("this user has no permissions to run 'info'")


def test_a_server_that_does_not_tell_what_it_is_is_trusted() -> None:
    assert codes_of(Forbidding()) == []


@pytest.mark.usefixtures("servers")
def test_the_server_of_these_tests_is_well() -> None:
    cache: Any = caches["tasks"]

    assert diagnose(cache.client.get_client(), "tasks") == []
