"""What the machine can do: pop -> claim -> call -> settle by hand, without a framework.

The same table, indexes and rows as djtasks, one thread a process, no retries, no errors, no checks,
nothing kept. It waits for each answer, so a framework whose threads overlap can pass it where CPU
is scarce.

    python -m benchmarks.ceiling DATABASE KEY TASK   (started by benchmarks/drain.py)

It says when it is ready, and begins when its input ends, so that several begin together.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
import redis

from djtasks.formats.ids import from_bytes, new_id

BATCH = 300

Rows = list[tuple[Any, int, str]]

CLAIM = """
UPDATE djtasks_taskrecord SET state = 1, fence = fence + 1, worker = %s, started_at = now()
WHERE id = ANY(%b) AND state + 0 = 0 RETURNING id, fence, args::text"""
SETTLE = """
UPDATE djtasks_taskrecord AS t SET state = 2, worker = NULL, return_value = v.value::jsonb,
    attempt = 1, finished_at = now()
FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS v(id, fence, value)
WHERE t.id = v.id AND t.fence = v.fence AND t.worker = %s"""


class Database(Protocol):
    """The statements of one database."""

    def claim(self, ids: Sequence[UUID]) -> Rows:
        """Return id, new fence and arguments, as JSON, of the records that were READY."""
        ...

    def settle(self, rows: Rows, values: Sequence[str]) -> None:
        """Store the values, as JSON, of claimed rows."""
        ...


class Postgres:
    """Binary parameters and arrays, as in djtasks."""

    def __init__(self, worker: UUID) -> None:
        import psycopg
        from psycopg.types.json import set_json_loads

        set_json_loads(msgspec.json.decode)
        self._worker = worker
        self._cursor = psycopg.connect(
            host=os.environ["BENCH_POSTGRES"], user="postgres", dbname="postgres", autocommit=True
        ).cursor(binary=True)

    def claim(self, ids: Sequence[UUID]) -> Rows:
        return self._cursor.execute(CLAIM, (self._worker, list(ids))).fetchall()

    def settle(self, rows: Rows, values: Sequence[str]) -> None:
        ids, fences = [row[0] for row in rows], [row[1] for row in rows]
        self._cursor.execute(SETTLE, (ids, fences, values, self._worker))


class Sqlite:
    """One statement to claim; to settle, one transaction of a statement a row, which is quicker."""

    _NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"

    def __init__(self, worker: UUID) -> None:
        import sqlite3

        path = os.environ["BENCH_POSTGRES"] + ".sqlite3"
        self._database = sqlite3.connect(path, timeout=20, isolation_level=None)
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._worker = worker.hex

    def claim(self, ids: Sequence[UUID]) -> Rows:
        claim = (
            f"UPDATE djtasks_taskrecord SET state = 1, fence = fence + 1, worker = ?, "
            f"started_at = {self._NOW} WHERE id IN ({_marks('?', ids)}) AND +state = 0 "
            f"RETURNING id, fence, args"
        )
        return self._database.execute(claim, (self._worker, *(id_.hex for id_ in ids))).fetchall()

    def settle(self, rows: Rows, values: Sequence[str]) -> None:
        settle = (
            f"UPDATE djtasks_taskrecord SET state = 2, worker = NULL, return_value = ?, "
            f"attempt = 1, finished_at = {self._NOW} WHERE id = ? AND fence = ? AND worker = ?"
        )
        owned = zip(rows, values, strict=True)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            settle, [(value, row[0], row[1], self._worker) for row, value in owned]
        )
        self._database.execute("COMMIT")


class MariaDB:
    """An UPDATE marks the rows and a SELECT reads them; an UPDATE joined to values settles them.

    That takes two thirds of the time of CASE, and half of that of JSON_TABLE.
    """

    def __init__(self, worker: UUID) -> None:
        from urllib.parse import urlsplit

        import pymysql

        parts = urlsplit(os.environ["BENCH_MARIADB"])
        self._cursor = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username or "root",
            password=parts.password or "",
            database=parts.path.strip("/"),
            autocommit=True,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ).cursor()
        self._worker = str(worker)

    def claim(self, ids: Sequence[UUID]) -> Rows:
        names = [str(id_) for id_ in ids]
        theirs = f"WHERE id IN ({_marks('%s', ids)})"
        self._cursor.execute(
            f"UPDATE djtasks_taskrecord SET state = 1, fence = fence + 1, worker = %s, "
            f"started_at = utc_timestamp(6) {theirs} AND state = 0",
            [self._worker, *names],
        )
        self._cursor.execute(
            f"SELECT id, fence, args FROM djtasks_taskrecord {theirs} AND worker = %s",
            [*names, self._worker],
        )
        return list(self._cursor.fetchall())

    def settle(self, rows: Rows, values: Sequence[str]) -> None:
        first, more = "SELECT %s AS id, %s AS fence, %s AS value", " UNION ALL SELECT %s, %s, %s"
        parameters: list[Any] = []
        for (id_, fence, _args), value in zip(rows, values, strict=True):
            parameters += (str(id_), fence, value)
        self._cursor.execute(
            f"UPDATE djtasks_taskrecord AS t JOIN ({first}{more * (len(rows) - 1)}) AS v "
            "ON t.id = v.id AND t.fence = v.fence SET t.state = 2, t.worker = NULL, "
            "t.return_value = v.value, t.attempt = 1, t.finished_at = utc_timestamp(6) "
            "WHERE t.worker = %s",
            [*parameters, self._worker],
        )


def _marks(mark: str, values: Sequence[Any]) -> str:
    return ", ".join([mark] * len(values))


DATABASES: dict[str, Callable[[UUID], Database]] = {
    "postgresql": Postgres,
    "sqlite": Sqlite,
    "mariadb": MariaDB,
}


CALLS: dict[str, Callable[[list[Any]], float]] = {
    "add": sum,
    "moment": lambda args: time.time() - args[0],
}


def main(name: str, key: str, task: str) -> None:
    """Empty the index under `key`; end when it stays empty for a second."""
    database, call = DATABASES[name](new_id()), CALLS[task]
    index = redis.Redis(unix_socket_path=os.environ["BENCH_REDIS"][7:].split("?")[0])
    print("ready", flush=True)
    sys.stdin.read()
    while answer := index.execute_command("BZMPOP", 1, 1, key, "MIN", "COUNT", BATCH):
        rows = database.claim([from_bytes(member) for member, _score in answer[1]])
        database.settle(rows, [str(call(msgspec.json.decode(args))) for _id, _fence, args in rows])


if __name__ == "__main__":
    main(*sys.argv[1:])
