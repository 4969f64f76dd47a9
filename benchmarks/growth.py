"""How throughput changes with what lies in the table: tasks that wait, and tasks that are over.

`python -m benchmarks growth` goes up to a million rows, `make bench-large` to ten million, which
takes half an hour and 15 GB.
"""

import statistics
from datetime import datetime
from typing import Any

from benchmarks import drain, harness

SAMPLE = 60_000
SIZES = (100_000, 1_000_000)
LARGE_SIZES = (*SIZES, 10_000_000)
QUEUES = (1, 10, 100, 500)
# As many as producers push before they leave the rest to the indexer.
MOST_HINTS = 1_000_000
_PUSHED_AT_ONCE = 10_000

# Ids of version 7, in the order of their numbers.
_ID = """(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 100000000 + n / 4096), 12, '0')
    || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid"""
_WAITING = f"""
INSERT INTO djtasks_taskrecord (id, backend, task_path, queue, priority, args, kwargs, run_after)
SELECT {_ID}, 'default', 'benchmarks.tasks.add', 'default', 0,
    jsonb_build_array(n, n + 1), '{{}}', now() - interval '1 hour'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""
_OVER = f"""
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
FROM djtasks_taskrecord WHERE state = 2 AND finished_at >= %s"""


def measure(runs: int = 3, sizes: tuple[int, ...] = SIZES) -> None:
    """Print a line a size, of tasks that wait and then of tasks that are over."""
    base: dict[str, float] = {}
    for kind, statement in (("backlog", _WAITING), ("history", _OVER)):
        for size in (0, *sizes):
            drain.empty()
            _flush()
            _insert(statement, size)
            found = [once(first=size + SAMPLE * run) for run in range(runs)]
            rate = statistics.median(one["tasks_per_second"] for one in found)
            base.setdefault(kind, rate)
            harness.emit(
                "growth",
                **{kind: size},
                sample=SAMPLE,
                tasks_per_second=rate,
                min=min(one["tasks_per_second"] for one in found),
                max=max(one["tasks_per_second"] for one in found),
                share_of_empty=rate / base[kind],
                redis_mb=max(one["redis_mb"] for one in found),
            )


def once(*, first: int) -> dict[str, float]:
    """Add SAMPLE tasks to what is there, and measure how fast as many are worked off."""
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue, resume_queue

    pause_queue("default", "default", by="benchmark")
    _insert(_WAITING, SAMPLE, first=first + 1)
    with harness.worker("--processes", str(drain.PROCESSES)):
        began = engine_of("default").store.now()
        resume_queue("default", "default")
        harness.wait_until(lambda: _done_since(began)[0] >= SAMPLE, pause=0.2)
        memory = _redis().info("memory")["used_memory"] / 1e6
        pause_queue("default", "default", by="benchmark")
    count, right, seconds = _done_since(began)
    assert right == count, f"{right} of {count} tasks ran once with the right result"
    return {"tasks_per_second": count / float(seconds), "redis_mb": memory}


def measure_queues(runs: int = 3) -> None:
    """Print a line a number of queues that SAMPLE tasks are spread over evenly."""
    base = 0.0
    for count in QUEUES:
        rates = [_over_queues(count) for _ in range(runs)]
        rate = statistics.median(rates)
        base = base or rate
        harness.emit(
            "growth",
            queues=count,
            sample=SAMPLE,
            tasks_per_second=rate,
            min=min(rates),
            max=max(rates),
            share_of_one=rate / base,
        )


def _over_queues(count: int) -> float:
    """Return how fast a worker that serves every queue works off tasks of so many."""
    from django.db import connection

    from djtasks.engine import engine_of
    from djtasks.operations import resume_queue

    drain.empty()
    _flush()
    resume_queue("default", "default")
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"first": 1, "last": SAMPLE})
        spread = "UPDATE djtasks_taskrecord SET queue = 'queue-' || (args->>0)::int %% %s"
        cursor.execute(spread, [count])
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")
    _push(SAMPLE)
    began = engine_of("default").store.now()
    with harness.worker("--processes", str(drain.PROCESSES), BENCH_QUEUES="[]"):
        harness.wait_until(lambda: _done_since(began)[0] == SAMPLE, pause=0.2)
    _count, right, seconds = _done_since(began)
    assert right == SAMPLE, f"{right} of {SAMPLE} tasks ran once with the right result"
    return SAMPLE / float(seconds)


def _insert(statement: str, count: int, *, first: int = 1) -> None:
    """Add rows, and the hints of those that wait as far as producers would push them."""
    from django.db import connection

    if not count:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, {"first": first, "last": first + count - 1})
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")
    if statement is _WAITING:
        _push(count)


def _push(count: int) -> None:
    """Push the hints of the newest so many."""
    from djtasks.engine import engine_of
    from djtasks.hints import Hint, score_of
    from djtasks.models import TaskRecord

    engine = engine_of("default")
    assert engine.broker is not None
    score = score_of(0, engine.store.now())
    room = MOST_HINTS - engine.broker.depths(["default"])["default"]
    newest = TaskRecord.objects.filter(state=0).order_by("-pk").values_list("pk", "queue")
    hints = [Hint(id_, name, score) for id_, name in newest[: max(min(count, room), 0)]]
    for start in range(0, len(hints), _PUSHED_AT_ONCE):
        engine.broker.push(hints[start : start + _PUSHED_AT_ONCE])


def _done_since(began: datetime) -> tuple[int, int, float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_DONE, [began])
        found: tuple[int, int, float] = cursor.fetchone()
    return found


def _redis() -> Any:
    from django.core.cache import caches

    cache: Any = caches["default"]
    return cache.client.get_client()


def _flush() -> None:
    _redis().flushdb()
