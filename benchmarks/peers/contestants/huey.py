"""huey on Redis; with its results and without."""

import json
import os
import pickle
import time
from collections.abc import Sequence

from huey import RedisHuey

from benchmarks.peers.ledger import mark

SETTINGS = json.loads(os.environ["PEERS_SETTINGS"])
queue = RedisHuey("peers", url=os.environ["PEERS_REDIS"], **SETTINGS)


@queue.task()
def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@queue.task()
def nap(number: int) -> None:
    mark(number)
    time.sleep(0.05)


def prepare() -> None:
    """Nothing is to be made."""


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add(number, number + 1)


def nap_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        nap(number)


if SETTINGS["results"]:

    def stored() -> list[int]:
        kept = queue.storage.result_items()
        return [pickle.loads(value) for value in kept.values()]
