"""What the kombu broker does beyond the contract: names, garbage, servers that behave badly."""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from djtasks.brokers import kombu
from djtasks.brokers.kombu import KombuBroker, queue_name
from djtasks.brokers.kombu_wire import AnyWire
from djtasks.errors import BrokerUnavailable
from djtasks.testing.broker_contract import A_WHILE, NOT_AT_ALL, hint
from tests.brokers.rabbits import kombu_broker, queues_deleted, require_rabbitmq
from tests.brokers.rude import dripping, endless, rude_server, saying, silent
from tests.rabbit_node import rabbit_node
from tests.waiting import eventually

# Twice what is promised, for a busy machine.
PATIENCE = 1.0
NOWHERE = "amqp://shop:secret@127.0.0.1:1//"

MANNERS = {
    "silent": silent,
    "dripping": dripping,
    "endless": endless,
    "speaking HTTP": saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "speaking another AMQP": saying(b"AMQP\x03\x01\x00\x00"),
}


@pytest.fixture
def rabbit() -> Iterator[KombuBroker]:
    url, namespace = require_rabbitmq(), f"test-{secrets.token_hex(8)}"
    with queues_deleted(url, namespace, ["default"]):
        yield kombu_broker(url, namespace)


def test_each_queue_and_band_of_an_installation_has_a_name_of_its_own() -> None:
    parts = ["a", "A", "a-b", "a_2db", "a.b", "b", "-", "ä", "{a}", "a" * 200, "a" * 201]
    asked = list(product(parts, parts[:4], parts, ["high", "low"]))

    names = {queue_name(*one) for one in asked}

    assert len(names) == len(asked)
    assert all(len(name) <= 80 for name in names)
    assert all(letter.isascii() for name in names for letter in name)


def test_a_name_says_what_it_is_for() -> None:
    assert queue_name("shop", "default", "mail", "high") == "djtasks-shop-default-mail-high"


def test_a_transport_that_kombu_does_not_know_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'sqss'.*Did you mean sqs"):
        kombu_broker("sqss://", "n")


def test_a_transport_whose_driver_is_missing_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'qpid'.*cannot be used"):
        kombu_broker("qpid://nowhere", "n")


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    (problem,) = kombu_broker(NOWHERE, "n").diagnose()

    assert problem.code == "unreachable"
    assert "127.0.0.1:1" in problem.message
    assert "secret" not in problem.message


@pytest.mark.parametrize("url", [NOWHERE, "amqps://127.0.0.1:1//"])
def test_everything_says_that_a_server_is_away(url: str) -> None:
    broker = kombu_broker(url, "n")

    for ask in (
        lambda: broker.push([hint()]),
        lambda: broker.pop(["default"], limit=1, wait=A_WHILE),
        lambda: broker.depths(["default"]),
    ):
        with pytest.raises(BrokerUnavailable, match="did not answer"):
            ask()


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS.keys())
def test_no_server_keeps_a_producer_waiting(manner: object) -> None:
    with rude_server(manner) as server:  # type: ignore[arg-type]
        broker = kombu_broker(f"amqp://127.0.0.1:{server.port}//", "n")
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            broker.push([hint() for _ in range(100)])
        took = time.monotonic() - started

    assert took < PATIENCE
    assert server.visits == 1


@pytest.mark.slow
def test_a_rabbitmq_that_takes_no_messages_keeps_no_producer_waiting() -> None:
    with rabbit_node() as node:
        broker = kombu_broker(node.url, "flooded")
        eventually(lambda: pushes(broker), seconds=20)
        node.ctl("set_vm_memory_high_watermark", "absolute", "1")

        for _push in range(3):
            started = time.monotonic()
            with suppress(BrokerUnavailable):
                broker.push([hint() for _ in range(500)])
            assert time.monotonic() - started < PATIENCE

        node.ctl("set_vm_memory_high_watermark", "0.6")
        eventually(lambda: pushes(broker), seconds=20)


def pushes(broker: KombuBroker) -> bool:
    """Return whether the server takes a message."""
    try:
        return broker.push([hint()]) == 1
    except BrokerUnavailable:
        return False


def test_what_does_not_fit_into_the_time_of_a_push_is_left_out() -> None:
    wire = AnyWire(Connection("memory://"))
    wire.declare(["q"])
    letters = [("q", bytes(24))] * 3

    assert wire.send(letters, ends_at=time.monotonic()) == 0
    assert wire.send(letters, ends_at=time.monotonic() + 60) == 3


@pytest.mark.slow
def test_a_broker_that_cannot_be_reached_is_asked_again_later(
    rabbit: KombuBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 0.0)
    with pytest.raises(BrokerUnavailable):
        rabbit.push([hint()])
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 60.0)
    pushed = hint()

    assert rabbit.push([pushed]) == 1
    assert pushed.id in rabbit.pop(["default"], limit=2, wait=A_WHILE)


@pytest.mark.slow
def test_garbage_is_dropped_and_the_rest_is_popped(
    rabbit: KombuBroker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 60.0)
    pushed = hint()
    rabbit.push([pushed])
    rabbit.depths(["default"])  # which makes all of its queues
    with Connection(require_rabbitmq()) as connection, connection.channel() as channel:
        for body in (b"", b"x" * 16, b"y" * 25, "text", '{"task": "shop.tasks.pay"}'):
            message = channel.prepare_message(
                body, content_type="text/plain", content_encoding="utf-8"
            )
            channel.basic_publish(message, routing_key=rabbit._name("default", "high"))

    with caplog.at_level(logging.WARNING, "djtasks.brokers"):
        popped = list[object]()
        while came := rabbit.pop(["default"], limit=100, wait=timedelta(seconds=0.2)):
            popped += came

    assert popped == [pushed.id]
    assert "Dropped garbage" in caplog.text
    assert rabbit.depths(["default"]) == {"default": 0}


@pytest.mark.slow
def test_a_queue_that_somebody_deleted_is_made_anew(
    rabbit: KombuBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 60.0)
    rabbit.push([hint()])
    rabbit.pop(["default"], limit=1, wait=NOT_AT_ALL)
    with Connection(require_rabbitmq()) as connection, connection.channel() as channel:
        channel.queue_delete(rabbit._name("default", "normal"))

    with pytest.raises(BrokerUnavailable, match="NOT_FOUND"):
        rabbit.depths(["default"])

    assert rabbit.depths(["default"]) == {"default": 0}
