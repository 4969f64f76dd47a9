"""Commands on connections that are kept out of their pool."""

import os
from typing import Any

import pytest
from django.core.cache import caches
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from djtasks.brokers import redis_connections
from djtasks.brokers.redis_clients import client_of
from djtasks.brokers.redis_connections import KeptConnections

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture
def kept() -> KeptConnections:
    client = client_of("tasks", lambda: "key", timeout=5)
    client.connection_pool.max_connections = 1
    return KeptConnections(client)


def session(kept: KeptConnections) -> Any:
    return kept.ask("CLIENT", "ID")


def hang_up(session: int) -> None:
    cache: Any = caches["tasks"]
    client: Redis = cache.client.get_client()
    assert client.client_kill_filter(_id=session) == 1


def test_commands_in_a_row_share_a_connection(kept: KeptConnections) -> None:
    assert session(kept) == session(kept)


def test_a_tool_that_records_commands_sees_each(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    execute = Redis.execute_command

    def record(client: Redis, *command: Any, **options: Any) -> Any:
        seen.append(command)
        return execute(client, *command, **options)

    monkeypatch.setattr(Redis, "execute_command", record)
    kept.ask("PING")

    assert seen == [("PING",)]


def test_a_connection_goes_back_to_the_pool_after_a_while(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, one that the server has closed meanwhile is replaced."""
    monkeypatch.setattr(redis_connections, "KEPT_SECONDS", 0.0)
    first = session(kept)
    hang_up(first)

    assert session(kept) != first


def test_a_connection_that_was_closed_while_it_was_kept_costs_one_command(
    kept: KeptConnections,
) -> None:
    first = session(kept)
    hang_up(first)

    with pytest.raises(RedisConnectionError):
        session(kept)

    assert session(kept) != first


def test_a_refused_command_does_not_cost_the_connection(kept: KeptConnections) -> None:
    first = session(kept)

    with pytest.raises(ResponseError):
        kept.ask("ZADD", "key", "no number", "member")

    assert session(kept) == first


def test_an_interrupted_command_leaves_its_answer_to_nobody(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit may interrupt a task between sending and reading."""
    first = session(kept)
    connection = kept._kept[0][0]

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(connection, "read_response", interrupt)
        with pytest.raises(KeyboardInterrupt):
            kept.ask("PING")

    assert session(kept) not in (first, b"PONG")


def test_a_pipeline_needs_no_connection_besides_those_kept(kept: KeptConnections) -> None:
    first = session(kept)

    assert kept.pipeline().client_id().execute() == [first]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_uses_connections_of_its_own(kept: KeptConnections) -> None:
    first = session(kept)

    child = os.fork()
    if not child:
        os._exit(0 if session(kept) != first else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert session(kept) == first
