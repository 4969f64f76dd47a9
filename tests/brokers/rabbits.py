"""The RabbitMQ of the machine, which nobody stops, and what tests leave in it: nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from djtasks.brokers.kombu import BANDS, KombuBroker, queue_name
from djtasks.options import parse_options
from tests.quick import QUICK
from tests.servers import answers

URL = os.environ.get("DJTASKS_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def require_rabbitmq() -> str:
    """Return where RabbitMQ is, or skip where there is none; CI has one."""
    if QUICK or not answers(URL):
        if not QUICK and os.environ.get("CI") == "true":
            pytest.fail("CI needs RabbitMQ, which does not answer")
        pytest.skip("RabbitMQ does not answer")
    return URL


def kombu_broker(url: str, namespace: str, **options: Any) -> KombuBroker:
    settings = {"broker": "kombu", "broker_url": url, "broker_options": options}
    return KombuBroker("default", parse_options(settings), lambda: namespace)


@contextmanager
def queues_deleted(url: str, namespace: str, queues: list[str]) -> Iterator[None]:
    """Delete the queues of an installation after the block."""
    from kombu import Connection

    try:
        yield
    finally:
        with Connection(url) as connection:
            for queue in queues:
                for band in BANDS:
                    with suppress(connection.channel_errors), connection.channel() as channel:
                        channel.queue_delete(queue_name(namespace, "default", queue, band))
