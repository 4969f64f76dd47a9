"""Whatever stands behind the broker, a producer is held up once, for half a second at most."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta

import pytest
from django.test import override_settings

from djtasks.brokers.redis import RedisBroker
from djtasks.enqueueing import outbox
from djtasks.errors import BrokerUnavailable
from djtasks.models import TaskRecord
from djtasks.options import parse_options
from djtasks.testing.broker_contract import hint
from tests.brokers.rude import RudeServer, dripping, endless, rude_server, saying, silent
from tests.settings import CACHES
from tests.tasks import add

# Twice what is promised, for a busy machine; without the limit each of them takes longer.
PATIENCE = 1.0

MANNERS = {
    "silent": silent,
    "dripping": dripping,
    "endless": endless,
    "speaking HTTP": saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "answering everything with OK": saying(b"+OK\r\n"),
    "answering everything with nothing": saying(b"*-1\r\n"),
    "loading": saying(b"-LOADING Redis is loading the dataset in memory\r\n"),
    "a read-only replica": saying(b"-READONLY You can't write against a read only replica.\r\n"),
    "out of memory": saying(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
    "wanting a password": saying(b"-NOAUTH Authentication required.\r\n"),
    "wanting another password": saying(b"-WRONGPASS invalid username-password pair\r\n"),
    "forbidding it": saying(b"-NOPERM this user has no permissions\r\n"),
}


@pytest.fixture(params=MANNERS.values(), ids=MANNERS.keys())
def server(request: pytest.FixtureRequest) -> Iterator[RudeServer]:
    with rude_server(request.param) as started, redis_at(started.port):
        yield started


@contextmanager
def redis_at(port: int) -> Iterator[None]:
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = f"redis://:secret@127.0.0.1:{port}/3"
    with override_settings(CACHES=changed):
        yield


def broker() -> RedisBroker:
    return RedisBroker("default", parse_options({"cache": "tasks"}), lambda: "n")


@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(transaction=True)
def test_enqueue_is_held_up_once_and_then_goes_on_alone(
    server: RudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BREAKER_SECONDS", 60.0)
    started = time.monotonic()
    add.enqueue(1, 2)
    took = time.monotonic() - started
    visits = server.visits

    add.enqueue(1, 2)

    assert took < PATIENCE
    assert visits >= 1
    assert server.visits == visits
    assert TaskRecord.objects.count() == 2


def test_a_large_push_is_held_up_no_longer_than_a_small_one(server: RudeServer) -> None:
    made, hints = broker(), [hint(queue) for queue in "abcdefghij" for _ in range(100)]
    started = time.monotonic()

    with pytest.raises(BrokerUnavailable):
        made.push(hints)

    assert time.monotonic() - started < PATIENCE


def test_a_server_that_answers_each_command_just_in_time_is_too_slow() -> None:
    def slow(connection: socket.socket, over: threading.Event) -> None:
        while asked := connection.recv(65_536):
            for _ in range(asked.count(b"*")):
                over.wait(0.2)
                connection.sendall(b":1\r\n")

    with rude_server(slow) as started, redis_at(started.port):
        made, began = broker(), time.monotonic()
        with pytest.raises(BrokerUnavailable):
            made.push([hint(queue) for queue in "abcdefghij"])

    assert time.monotonic() - began < PATIENCE


def test_depths_are_asked_for_no_longer_than_a_push(server: RudeServer) -> None:
    made, started = broker(), time.monotonic()

    with pytest.raises(BrokerUnavailable):
        made.depths(["default"])

    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize(
    "answer", [b"+OK\r\n", b":5\r\n", b"*1\r\n:1\r\n", b"*2\r\n$1\r\nq\r\n:7\r\n"]
)
def test_a_pop_that_is_answered_with_nonsense_says_so(answer: bytes) -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket, over: threading.Event) -> None:
        while command := connection.recv(65_536):
            asked.append(command)
            pops = b"MPOP" in command
            connection.sendall(answer if pops else b"+OK\r\n" * command.count(b"*"))

    with rude_server(serve) as server, redis_at(server.port), pytest.raises(BrokerUnavailable):
        broker().pop(["default"], limit=1, wait=timedelta(seconds=0.1))

    assert b"MPOP" in asked[-1]
