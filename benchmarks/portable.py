"""The drain on SQLite, and on MariaDB where one answers; beside the bare loop on each."""

import os
import statistics
import subprocess
import sys
import time

from benchmarks import beat, drain, harness

COUNT = 20_000


def measure(runs: int = 3) -> None:
    """Print a line a database; each is measured by a process that has it as its default."""
    _measure_in_its_process("sqlite", runs)
    with beat.mariadb() as is_there:
        if is_there:
            _measure_in_its_process("mariadb", runs)


def _measure_in_its_process(database: str, runs: int) -> None:
    command = [sys.executable, "-m", "benchmarks.portable", database, str(runs)]
    subprocess.run(command, env=os.environ | {"BENCH_DATABASE": database}, check=True)


def once() -> dict[str, float]:
    """Measure one drain by two processes."""
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    _empty()
    pause_queue(engine_of("default"), "default", by="benchmark")
    with harness.worker("--processes", "2") as worker:
        started = time.perf_counter()
        drain.fill()
        enqueued = COUNT / (time.perf_counter() - started)
        processes = harness.family(worker)
        before = harness.begin_together(worker)
        harness.wait_until(drain.is_done, pause=0.2)
        used = harness.cpu_seconds(processes) - before
    return {
        "tasks_per_second": COUNT / _verified_seconds(),
        "worker_cpu_us": used / COUNT * 1e6,
        "enqueue_many_per_second": enqueued,
    }


def ceiling_once(database: str) -> float:
    """Return the tasks a second of one drain by the bare loop."""
    _empty()
    drain.fill()
    with drain.bare_loops(database):
        pass
    return COUNT / _verified_seconds()


def _empty() -> None:
    from djtasks.models import TaskRecord

    TaskRecord.objects.all().delete()


def _verified_seconds() -> float:
    from djtasks.models import TaskRecord

    ended = TaskRecord.objects.filter(state=2, fence=1, attempt=1)
    rows = list(ended.values_list("args", "return_value", "started_at", "finished_at"))
    right = sum(value == sum(args) for args, value, _start, _end in rows)
    assert right == COUNT, f"{right} of {COUNT} tasks ran once with the right result"
    return (max(row[3] for row in rows) - min(row[2] for row in rows)).total_seconds()


def main(database: str, runs: int) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    drain.COUNT = COUNT
    ceilings, ours = [], []
    for _ in range(runs):
        ceilings.append(ceiling_once(database))
        ours.append(once())
    medians = {name: statistics.median(one[name] for one in ours) for name in ours[0]}
    ceiling = statistics.median(ceilings)
    harness.emit(
        "drain_portable",
        database=database,
        count=COUNT,
        processes=drain.PROCESSES,
        **medians,
        ceiling_per_second=ceiling,
        share_of_ceiling=medians["tasks_per_second"] / ceiling,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
