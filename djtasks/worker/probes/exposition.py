"""Format gauges for Prometheus, and as JSON for autoscalers."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from djtasks.inspection import Gauges

_QUEUE_GAUGES = {
    "due": "Tasks that may run now.",
    "delayed": "Tasks that may run later.",
    "running": "Tasks that run.",
    "oldest_wait_seconds": "How long the oldest due task has waited.",
    "workers": "Live child processes that fetch from the queue.",
    "paused": "1 while the queue is paused.",
}
_TOTAL_GAUGES = {
    "workers": "Live child processes.",
    "slots": "Tasks that all workers can run at once.",
    "busy_slots": "Slots that run a task.",
}


def as_json(gauges: Gauges, *, age: float) -> str:
    """Return gauges as a JSON object; `age` is how many seconds ago they were read."""
    queues = {queue.name: _without_name(asdict(queue)) for queue in gauges.queues}
    facts = asdict(gauges) | {"queues": queues, "age_seconds": round(age, 1)}
    return json.dumps(facts, indent=2) + "\n"


def _without_name(queue: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in queue.items() if key != "name"}


def as_prometheus(gauges: Gauges) -> str:
    """Return gauges in Prometheus' text format."""
    return "".join(f"{line}\n" for line in _lines(gauges))


def _lines(gauges: Gauges) -> Iterator[str]:
    backend = _quoted(gauges.backend)
    for name, text in _QUEUE_GAUGES.items():
        yield from _head(f"djtasks_queue_{name}", text)
        for queue in gauges.queues:
            labels = f"backend={backend},queue={_quoted(queue.name)}"
            yield f"djtasks_queue_{name}{{{labels}}} {_number(getattr(queue, name))}"
    for name, text in _TOTAL_GAUGES.items():
        yield from _head(f"djtasks_{name}", text)
        yield f"djtasks_{name}{{backend={backend}}} {_number(getattr(gauges, name))}"


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"


def _number(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(int(value))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
