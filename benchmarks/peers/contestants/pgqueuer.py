"""pgqueuer: rows in PostgreSQL and bytes as payload, claimed and logged in batches by asyncio.

Its worker is started by its Python interface: `python -m benchmarks.peers.contestants.pgqueuer
BATCH [AT_ONCE]`.
"""

import asyncio
import os
import sys
from collections.abc import Sequence

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peers.ledger import mark

_runner = asyncio.Runner()
_numbers: dict[int, int] = {}
_made: list[Queries] = []


async def connect() -> asyncpg.Connection:
    return await asyncpg.connect(
        host=os.environ["PEERS_POSTGRES"],
        user="postgres",
        database=os.environ["PEERS_DATABASE"],
    )


async def work(batch: int, most: int | None) -> None:
    queuer = PgQueuer.from_asyncpg_connection(await connect())

    @queuer.entrypoint("add")
    async def add(job: Job) -> None:
        a, _b = (job.payload or b"").split()
        mark(int(a))

    @queuer.entrypoint("nap")
    async def nap(job: Job) -> None:
        mark(int(job.payload or b""))
        await asyncio.sleep(0.05)

    await queuer.run(batch_size=batch, max_concurrent_tasks=most)


def queries() -> Queries:
    if not _made:
        _made.append(Queries(AsyncpgDriver(_runner.run(connect()))))
    return _made[0]


def prepare() -> None:
    if not _runner.run(queries().schema_is_installed()):
        _runner.run(queries().install())


def add_each(numbers: Sequence[int]) -> None:
    async def add_them() -> None:
        for number in numbers:
            (made,) = await queries().enqueue("add", b"%d %d" % (number, number + 1))
            _numbers[made] = number

    queries()
    _runner.run(add_them())


def add_many(numbers: Sequence[int]) -> None:
    payloads = [b"%d %d" % (number, number + 1) for number in numbers]
    count = len(payloads)
    made = _runner.run(queries().enqueue(["add"] * count, payloads, [0] * count))
    _numbers.update(zip(made, numbers, strict=True))


def nap_many(numbers: Sequence[int]) -> None:
    payloads = [b"%d" % number for number in numbers]
    count = len(payloads)
    _runner.run(queries().enqueue(["nap"] * count, payloads, [0] * count))


def stored() -> list[int]:
    """Return what the jobs that are logged as successful would have returned: none is kept."""
    rows = _runner.run(
        queries().driver.fetch("SELECT job_id FROM pgqueuer_log WHERE status = 'successful'")
    )
    done = [_numbers[row["job_id"]] for row in rows if row["job_id"] in _numbers]
    return [number + number + 1 for number in done]


if __name__ == "__main__":
    batch_size, *at_once = map(int, sys.argv[1:])
    uvloop.run(work(batch_size, at_once[0] if at_once else None))
