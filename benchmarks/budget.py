"""What one task costs, step by step: microseconds of CPU, ours and the servers'.

One thread runs the worker's own parts one after the other, a batch at a time, so that no step
waits for another. A real worker costs more than their sum: its threads wake each other.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import drain, harness

BATCH = 300


class Meter:
    """CPU of this thread and of two servers' processes, by step."""

    def __init__(self, database: int, index: int) -> None:
        self._servers = {"database": database, "index": index}
        self.spent: dict[str, dict[str, float]] = {}

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do the work and book what it cost."""
        before = {who: _cpu_of(pid) for who, pid in self._servers.items()}
        started = time.thread_time_ns()
        answer = work()
        costs = {"worker": time.thread_time_ns() - started}
        costs |= {who: _cpu_of(pid) - before[who] for who, pid in self._servers.items()}
        booked = self.spent.setdefault(name, dict.fromkeys(costs, 0.0))
        for who, nanoseconds in costs.items():
            booked[who] += nanoseconds
        return answer


def _cpu_of(pid: int) -> int:
    """Return the nanoseconds of CPU that a process has used."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


class Line:
    """The parts of one child, without its threads."""

    def __init__(self) -> None:
        from djtasks.engine import engine_of
        from djtasks.formats.ids import new_id
        from djtasks.models import TaskRecord
        from djtasks.store.sessions import prepare_process, use_engine_connection
        from djtasks.worker.attempts import board, pipeline, pools
        from djtasks.worker.attempts import running as execution
        from djtasks.worker.attempts import time_limits as limits
        from djtasks.worker.child import fetcher, holdings, settler, sources, statistics

        prepare_process()
        engine = engine_of("default")
        use_engine_connection(engine.database)
        assert TaskRecord.objects.count()
        worker = new_id()
        self.holdings = holdings.Holdings()
        self.pipeline = pipeline.Pipeline(engine.store, worker)
        self.finished: list[Any] = []
        parts = (self.pipeline, limits.Limits(lambda _running: None), self.finished.append)
        slots = board.Board(bytearray(board.Board.size(9)))
        self.threads = pools.ThreadPool(range(8), *parts, board=slots)
        self.fetcher = fetcher.Fetcher(
            None,
            self.pipeline,
            threads=self.threads,
            coroutines=pools.AsyncPool(range(8, 9), *parts, board=slots),
            done=self.finished.append,
            hand_over=lambda _claim: None,
            give_back=lambda _claims: None,
            is_held_up=lambda: False,
        )
        queues = sources.Queues(engine, None)
        self.source = sources.BrokerSource(
            engine, queues, self.holdings, worker=worker, fallback=None
        )
        self.statistics = statistics.Statistics(engine, worker)
        self.settler = settler.Settler(engine.store, worker, self.holdings, on_settled=())
        self.gate = execution.ThreadGate()

    def batch(self, meter: Meter) -> int:
        """Take one batch from the index to its results; return how many tasks it was."""
        if not meter.step("fetch", lambda: self.source._pop(BATCH)):
            return 0
        from djtasks.store.sessions import close_after_task

        batch = meter.step("claim", self.source._claim)
        meter.step("dispatch", lambda: self.fetcher.dispatch(batch))
        meter.step("dispatch", self.threads.take_back)
        run, gate = self.pipeline.run, self.gate
        ended = meter.step("call, judge", lambda: [run(work, gate) for work in batch])
        meter.step("tidy", lambda: [close_after_task() for _ in batch])
        meter.step("settle", lambda: self.settler._write(ended))
        meter.step("statistics", lambda: self.statistics._gather(ended))
        return len(batch)


def measure(runs: int = 3) -> dict[str, Any]:
    """Print and return the least cost of each step in microseconds a task, of some runs."""
    from django.db import connection

    drain.empty()
    best: dict[str, dict[str, float]] = {}
    line = None
    for _ in range(runs):
        drain.fill()
        line = line or Line()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            meter = Meter(cursor.fetchone()[0], harness.index_pid())
        count = 0
        while done := line.batch(meter):
            count += done
        for name, costs in meter.spent.items():
            least = best.setdefault(name, dict.fromkeys(costs, float("inf")))
            for who, nanoseconds in costs.items():
                least[who] = min(least[who], nanoseconds / count / 1000)
        drain.verified_seconds()
        drain.empty()
    for who in ("worker", "database", "index"):
        steps = {name: round(costs[who], 2) for name, costs in best.items()}
        harness.emit("budget", side=who, total=sum(steps.values()), **steps)
    return best
