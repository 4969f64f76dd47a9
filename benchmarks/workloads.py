"""The drain with other tasks than plain ones, and with what an installation adds to each task."""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import drain, harness

COUNT = 40_000
COMPUTATIONS = 6_000
COMPUTE_SECONDS = 0.005
# Few enough that a transaction pushes the hints of all, and the order holds.
_AT_ONCE = 1_000
_KILOBYTE = "0123456789abcdef" * 64


@dataclass(frozen=True)
class Workload:
    """A task's name, the arguments of one of them by number, and its worker's environment."""

    task: str = "benchmarks.tasks.add"
    arguments: Callable[[int], tuple[Any, ...]] = lambda number: (number, 1)
    environment: Mapping[str, str] = field(default_factory=dict)
    count: int = COUNT
    keeps: bool = True


def _options(**more: Any) -> str:
    return json.dumps({"cache": "default", "imports": ["benchmarks.tasks"], **more})


WORKLOADS = {
    "plain": Workload(),
    "coroutines": Workload(
        task="benchmarks.coroutines.add", environment={"BENCH_TASKS": "benchmarks.coroutines"}
    ),
    "both_kinds_known": Workload(
        environment={"BENCH_TASKS": "benchmarks.tasks,benchmarks.coroutines"}
    ),
    "kilobyte": Workload(task="benchmarks.tasks.echo", arguments=lambda _number: (_KILOBYTE,)),
    "only_errors_kept": Workload(task="benchmarks.tasks.add_unkept", keeps=False),
    "progress": Workload(task="benchmarks.tasks.add_and_tell"),
    "middleware": Workload(
        environment={"BENCH_OPTIONS": _options(middleware=["benchmarks.tasks.through"])}
    ),
    "receivers": Workload(environment={"BENCH_TASKS": "benchmarks.tasks,benchmarks.receivers"}),
    "computing": Workload(
        task="benchmarks.tasks.compute", arguments=lambda number: (number,), count=COMPUTATIONS
    ),
}


def measure(runs: int = 3) -> None:
    """Print a line a workload; all of them take turns, so each is beside the plain one."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in WORKLOADS}
    for _ in range(runs):
        for name, workload in WORKLOADS.items():
            found[name].append(_once(workload))
    plain = _median(found["plain"], "tasks_per_second")
    for name, workload in WORKLOADS.items():
        rates = [one["tasks_per_second"] for one in found[name]]
        rate = statistics.median(rates)
        ideal = drain.PROCESSES / COMPUTE_SECONDS
        beside = {"share_of_ideal": rate / ideal} if name == "computing" else {}
        harness.emit(
            "workload",
            workload=name,
            count=workload.count,
            tasks_per_second=rate,
            min=min(rates),
            max=max(rates),
            share_of_plain=rate / plain,
            worker_cpu_us=_median(found[name], "worker_cpu_us"),
            **beside,
        )


def _median(found: Iterable[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in found)


def _once(workload: Workload) -> dict[str, float]:
    """Drain the tasks of one workload between two kept ones, whose moments tell how long."""
    from django.utils.module_loading import import_string

    from benchmarks.tasks import echo
    from djtasks.engine import engine_of
    from djtasks.models import TaskStatistics
    from djtasks.operations import pause_queue

    drain.empty()
    TaskStatistics.objects.all().delete()
    pause_queue(engine_of("default"), "default", by="benchmark")
    task = import_string(workload.task)
    edge = import_string("benchmarks.coroutines.nap") if "coroutines" in workload.task else echo
    with harness.worker("--processes", str(drain.PROCESSES), **workload.environment) as worker:
        edges = [edge.enqueue(0)]
        for start in range(0, workload.count, _AT_ONCE):
            numbers = range(start, start + _AT_ONCE)
            task.enqueue_many(workload.arguments(number) for number in numbers)
        edges.append(edge.enqueue(0))
        processes = harness.family(worker)
        before = harness.begin_together(worker)
        harness.wait_until(drain.is_done)
        used = harness.cpu_seconds(processes) - before
    for one in edges:
        one.refresh()
    return {
        "tasks_per_second": workload.count / _seconds(workload, edges),
        "worker_cpu_us": used / workload.count * 1e6,
    }


def _seconds(workload: Workload, edges: list[Any]) -> float:
    """Return how long the tasks took. Raises AssertionError unless each ran once."""
    from django.db.models import Max, Min, Sum

    from djtasks.models import TaskRecord, TaskStatistics

    if workload.keeps:
        between = TaskRecord.objects.exclude(pk__in=[one.id for one in edges])
        ended = between.filter(task_path=workload.task, state=2, fence=1)
        right = ended.count()
        times = ended.aggregate(first=Min("started_at"), last=Max("finished_at"))
    else:
        written = TaskStatistics.objects.filter(task_path=workload.task, step__lte=60)
        right = written.aggregate(all=Sum("successful"))["all"]
        times = {"first": edges[0].started_at, "last": edges[1].finished_at}
        assert not TaskRecord.objects.filter(task_path=workload.task).exists()
    assert right == workload.count, f"{right} of {workload.count} tasks ran once"
    return float((times["last"] - times["first"]).total_seconds())
