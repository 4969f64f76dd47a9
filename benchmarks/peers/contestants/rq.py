"""rq: a hash in Redis a job, its result in a stream beside it."""

import os
import time
from collections.abc import Sequence

from redis import Redis
from rq import Queue

from benchmarks.peers.ledger import mark

connection = Redis.from_url(os.environ["PEERS_REDIS"])
queue = Queue("peers", connection=connection)


def add(a: int, b: int) -> int:
    mark(a)
    return a + b


def nap(number: int) -> None:
    mark(number)
    time.sleep(0.05)


def prepare() -> None:
    """Nothing is to be made."""


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        queue.enqueue(add, number, number + 1)


def add_many(numbers: Sequence[int]) -> None:
    queue.enqueue_many([Queue.prepare_data(add, (number, number + 1)) for number in numbers])


def nap_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        queue.enqueue(nap, number)


def stored() -> list[int]:
    from rq.job import Job

    ids = queue.finished_job_registry.get_job_ids()
    jobs = [job for job in Job.fetch_many(ids, connection=connection) if job]
    return [value for job in jobs if (value := job.return_value()) is not None]
