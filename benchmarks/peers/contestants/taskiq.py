"""taskiq on a Redis stream, with acknowledgements, without results, as its documentation shows."""

import asyncio
import os
from collections.abc import Sequence

from taskiq_redis import RedisStreamBroker

from benchmarks.peers.ledger import mark

broker = RedisStreamBroker(url=os.environ["PEERS_REDIS"])
_runner = asyncio.Runner()


@broker.task
async def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@broker.task
async def nap(number: int) -> None:
    mark(number)
    await asyncio.sleep(0.05)


def prepare() -> None:
    _runner.run(broker.startup())


def add_each(numbers: Sequence[int]) -> None:
    async def add_them() -> None:
        for number in numbers:
            await add.kiq(number, number + 1)

    _runner.run(add_them())


def nap_many(numbers: Sequence[int]) -> None:
    async def add_them() -> None:
        for start in range(0, len(numbers), 50):
            await asyncio.gather(*map(nap.kiq, numbers[start : start + 50]))

    _runner.run(add_them())
