"""Rows made by the million, their hints, and what became of them."""

from datetime import datetime
from typing import Any

# As many as producers push before they leave the rest to the indexer.
MOST_HINTS = 1_000_000
_PUSHED_AT_ONCE = 10_000

# Ids of version 7, in the order of their numbers.
_ID = """(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 100000000 + n / 4096), 12, '0')
    || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid"""
WAITING = f"""
INSERT INTO djtasks_taskrecord (id, backend, task_path, queue, priority, args, kwargs, run_after)
SELECT {_ID}, 'default', 'benchmarks.tasks.add', 'default', 0,
    jsonb_build_array(n, n + 1), '{{}}', now() - interval '1 hour'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""
OVER = f"""
INSERT INTO djtasks_taskrecord (id, backend, task_path, queue, priority, args, kwargs, state,
    run_after, enqueued_at, started_at, last_attempted_at, finished_at, fence, attempt,
    return_value, worker_ids)
SELECT {_ID}, 'default', 'benchmarks.tasks.add', 'default', 0, jsonb_build_array(n, n + 1), '{{}}',
    2, at, at, at, at, at, 1, 1, to_jsonb(2 * n + 1), '["0190a6b0-0000-7000-8000-000000000000"]'
FROM (SELECT n, now() - interval '3 days' * (%(last)s - n) / %(last)s - interval '1 hour' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS made"""
_DONE = """
SELECT count(*), count(*) FILTER (WHERE fence = 1 AND return_value::int =
    (args->>0)::int + (args->>1)::int), extract(epoch FROM max(finished_at) - min(started_at))
FROM djtasks_taskrecord WHERE state = 2 AND finished_at >= %s AND task_path = %s"""


def insert(statement: str, count: int, *, first: int = 1) -> None:
    """Add rows, and the hints of those that wait as far as producers would push them."""
    from django.db import connection

    if not count:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, {"first": first, "last": first + count - 1})
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")
    if statement is WAITING:
        push(count)


def push(count: int) -> None:
    """Push the hints of the newest so many."""
    from djtasks.engine import engine_of
    from djtasks.models import TaskRecord
    from djtasks.protocol.hints import Hint, score_of

    engine = engine_of("default")
    assert engine.broker is not None
    score = score_of(0, engine.store.now())
    room = MOST_HINTS - engine.broker.depths(["default"])["default"]
    newest = TaskRecord.objects.filter(state=0).order_by("-pk").values_list("pk", "queue")
    hints = [Hint(id_, name, score) for id_, name in newest[: max(min(count, room), 0)]]
    for start in range(0, len(hints), _PUSHED_AT_ONCE):
        engine.broker.push(hints[start : start + _PUSHED_AT_ONCE])


def done_since(began: datetime, path: str = "benchmarks.tasks.add") -> tuple[int, int, float]:
    """Return how many tasks ended, how many of them rightly and once, and the seconds it took.

    The seconds are from the first start to the last end by the database's clock.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_DONE, [began, path])
        found: tuple[int, int, float] = cursor.fetchone()
    return found


def redis() -> Any:
    """Return a client of the Redis that holds the index."""
    from django.core.cache import caches

    cache: Any = caches["default"]
    return cache.client.get_client()


def flush() -> None:
    """Empty the index."""
    redis().flushdb()
