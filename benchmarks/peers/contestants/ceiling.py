"""limit: what the machine can do with djtasks' table and index, without a framework.

The loop of benchmarks/ceiling.py, with the mark that every contestant's task makes.
"""

import os
import sys

import msgspec
import psycopg
import redis
from psycopg.types.json import set_json_loads

from benchmarks.ceiling import BATCH, CLAIM, SETTLE
from benchmarks.peers.ledger import mark


def add(a: int, b: int) -> int:
    mark(a)
    return a + b


def main() -> None:
    """Work the index off until told to stop."""
    from benchmarks.peers.contestants import djtasks  # noqa: F401 - sets Django up
    from djtasks.engine import engine_of
    from djtasks.formats.ids import from_bytes, new_id

    set_json_loads(msgspec.json.decode)
    key = f"djtasks:{{{engine_of('default').namespace}:default}}:default"
    me, index = new_id(), redis.Redis.from_url(os.environ["PEERS_REDIS"])
    # No plan is kept: one made for the few rows of the first tasks reads the whole table later.
    cursor = psycopg.connect(
        host=os.environ["PEERS_POSTGRES"],
        user="postgres",
        dbname=os.environ["PEERS_DATABASE"],
        autocommit=True,
        prepare_threshold=None,
    ).cursor(binary=True)
    while True:
        answer = index.execute_command("BZMPOP", 1, 1, key, "MIN", "COUNT", BATCH)
        if not answer:
            continue
        ids = [from_bytes(member) for member, _score in answer[1]]
        rows = cursor.execute(CLAIM, (me, ids)).fetchall()
        values = [str(add(*msgspec.json.decode(args))) for _id, _fence, args in rows]
        cursor.execute(SETTLE, ([row[0] for row in rows], [row[1] for row in rows], values, me))


if __name__ == "__main__":
    sys.exit(main())
