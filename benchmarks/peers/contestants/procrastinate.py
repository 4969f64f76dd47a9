"""procrastinate: a row in PostgreSQL a job, kept when done; no return values."""

import asyncio
import os
from collections.abc import Sequence

import procrastinate

from benchmarks.peers.ledger import mark

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        kwargs={
            "host": os.environ["PEERS_POSTGRES"],
            "user": "postgres",
            "dbname": os.environ["PEERS_DATABASE"],
        }
    )
)


@app.task
async def add(a: int, b: int) -> int:
    mark(a)
    return a + b


@app.task
async def nap(number: int) -> None:
    mark(number)
    await asyncio.sleep(0.05)


def prepare() -> None:
    app.open()
    if not app.check_connection():
        app.schema_manager.apply_schema()


def add_each(numbers: Sequence[int]) -> None:
    for number in numbers:
        add.defer(a=number, b=number + 1)


def add_many(numbers: Sequence[int]) -> None:
    add.batch_defer(*({"a": number, "b": number + 1} for number in numbers))


def nap_many(numbers: Sequence[int]) -> None:
    nap.batch_defer(*({"number": number} for number in numbers))


def stored() -> list[int]:
    """Return what the jobs that are marked as succeeded must have returned: no value is kept."""
    rows = app.connector.get_sync_connector().execute_query_all(
        "SELECT (args->>'a')::int + (args->>'b')::int AS value FROM procrastinate_jobs "
        "WHERE status = 'succeeded' AND args ? 'a'"
    )
    return [row["value"] for row in rows]
