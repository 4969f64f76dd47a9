"""The drain with Django's two log lines a task, beside the silent one.

Each way of logging takes its turn in every run, so that a busy machine is so for all of them.
"""

import json
import os
import re
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import drain, harness

_FILE = {"class": "logging.FileHandler"}
HANDLERS: dict[str, dict[str, Any]] = {
    "asctime": {**_FILE, "formatter": "asctime"},
    "no_formatter": _FILE,
    "unknown_handler": {"class": "benchmarks.handlers.OneByOne", "formatter": "asctime"},
    "handler_at_warning": {**_FILE, "level": "WARNING"},
}
_LINE = re.compile(
    r"(\S+ \S+ INFO \S+ )?Task id=[-0-9a-f]{36} path=benchmarks.tasks.add state=[A-Z]+"
)


def measure(runs: int = 3) -> None:
    """Print a line of JSON for silence and for each way of logging."""
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in ("silent", *HANDLERS)}
    for _ in range(runs):
        found["silent"].append(drain.djtasks_once({}))
        for name, handler in HANDLERS.items():
            found[name].append(_logging_once(handler))
    silent = _medians(found["silent"])
    for name, measured in found.items():
        medians = _medians(measured)
        harness.emit(
            "lines",
            way=name,
            count=drain.COUNT,
            **medians,
            share_of_silent=medians["tasks_per_second"] / silent["tasks_per_second"],
            added_cpu_us=medians["worker_cpu_us"] - silent["worker_cpu_us"],
        )


def _medians(measured: list[Mapping[str, float]]) -> dict[str, float]:
    names = ("tasks_per_second", "worker_cpu_us")
    return {name: statistics.median(one[name] for one in measured) for name in names}


def _logging_once(handler: Mapping[str, Any]) -> dict[str, float]:
    """Measure one drain. Raises AssertionError unless the log has two whole lines a task."""
    descriptor, name = tempfile.mkstemp(prefix="djtbench-", suffix=".log")
    os.close(descriptor)
    log = Path(name)
    try:
        configured = json.dumps({**handler, "filename": name})
        measured = drain.djtasks_once({"BENCH_TASK_LOG": "INFO", "BENCH_HANDLER": configured})
        lines = log.read_text().splitlines()
    finally:
        log.unlink()
    torn = [line for line in lines if not _LINE.fullmatch(line)]
    expected = 0 if handler.get("level") else 2 * drain.COUNT
    assert (len(lines), torn) == (expected, []), f"{len(lines)} lines, {len(torn)} of them torn"
    return measured
