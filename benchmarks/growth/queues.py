"""The number of queues that one worker serves."""

import statistics

from benchmarks import drain, harness
from benchmarks.growth import table

SAMPLE = 60_000
QUEUES = (1, 10, 100, 500)


def measure(runs: int = 3) -> None:
    """Print a line a number of queues that SAMPLE tasks are spread over evenly."""
    base = 0.0
    for count in QUEUES:
        rates = [_over(count) for _ in range(runs)]
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


def _over(count: int) -> float:
    """Return how fast a worker that serves every queue works off tasks of so many."""
    from django.db import connection

    from djtasks.engine import engine_of
    from djtasks.operations import resume_queue

    drain.empty()
    table.flush()
    resume_queue(engine_of("default"), "default")
    with connection.cursor() as cursor:
        cursor.execute(table.WAITING, {"first": 1, "last": SAMPLE})
        spread = "UPDATE djtasks_taskrecord SET queue = 'queue-' || (args->>0)::int %% %s"
        cursor.execute(spread, [count])
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")
    table.push(SAMPLE)
    began = engine_of("default").store.now()
    with harness.worker("--processes", str(drain.PROCESSES), BENCH_QUEUES="[]"):
        harness.wait_until(lambda: table.done_since(began)[0] == SAMPLE, pause=0.2)
    _count, right, seconds = table.done_since(began)
    assert right == SAMPLE, f"{right} of {SAMPLE} tasks ran once with the right result"
    return SAMPLE / float(seconds)
