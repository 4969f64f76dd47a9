"""What the machine can do: pop -> claim -> call -> settle by hand, without a framework.

The same table, indexes, rows and binary parameters as djtasks, one thread a process, no retries,
no errors, no checks, nothing kept. It waits for each answer, so a framework whose threads overlap
can pass it where CPU is scarce.

    python -m benchmarks.ceiling KEY   (started by benchmarks/drain.py)

It says when it is ready, and begins when its input ends, so that several begin together.
"""

import os
import sys

import msgspec
import psycopg
import redis
from psycopg.types.json import set_json_loads

from djtasks.formats.ids import from_bytes, new_id

BATCH = 300

CLAIM = """
UPDATE djtasks_taskrecord SET state = 1, fence = fence + 1, worker = %s, started_at = now()
WHERE id = ANY(%b) AND state + 0 = 0 RETURNING id, fence, args::text"""
SETTLE = """
UPDATE djtasks_taskrecord AS t SET state = 2, worker = NULL, return_value = v.value::jsonb,
    attempt = 1, finished_at = now()
FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS v(id, fence, value)
WHERE t.id = v.id AND t.fence = v.fence AND t.worker = %s"""


def main(key: str) -> None:
    """Empty the index under `key`; end when it stays empty for a second."""
    set_json_loads(msgspec.json.decode)
    me = new_id()
    index = redis.Redis(unix_socket_path=os.environ["BENCH_REDIS"][7:].split("?")[0])
    database = psycopg.connect(
        host=os.environ["BENCH_POSTGRES"], user="postgres", dbname="postgres", autocommit=True
    )
    cursor = database.cursor(binary=True)
    print("ready", flush=True)
    sys.stdin.read()
    while answer := index.execute_command("BZMPOP", 1, 1, key, "MIN", "COUNT", BATCH):
        ids = [from_bytes(member) for member, _score in answer[1]]
        rows = cursor.execute(CLAIM, (me, ids)).fetchall()
        values = [str(sum(msgspec.json.decode(args))) for _id, _fence, args in rows]
        cursor.execute(SETTLE, ([row[0] for row in rows], [row[1] for row in rows], values, me))


if __name__ == "__main__":
    main(sys.argv[1])
