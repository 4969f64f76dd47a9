"""dramatiq on Redis, without results, as it comes."""

import os
import time
from collections.abc import Sequence

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.ledger import mark

dramatiq.set_broker(RedisBroker(url=os.environ["PEERS_REDIS"]))


@dramatiq.actor
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@dramatiq.actor
def nap(number: int) -> None:
    mark(number)
    time.sleep(0.05)


def prepare() -> None:
    """Nothing is to be made."""


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.send(number, number + 1)


def nap_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        nap.send(number)
