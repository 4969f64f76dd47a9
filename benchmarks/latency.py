"""From enqueue() to the first line of the task, on a worker that has nothing else to do."""

from typing import Any

from benchmarks import harness

SAMPLES = 500


def measure(samples: int = SAMPLES) -> dict[str, Any]:
    """Print and return percentiles in milliseconds, from before the INSERT to the start."""
    import time

    from benchmarks.tasks import moment

    waits = []
    with harness.worker("--processes", "2"):
        for number in range(samples + 50):
            result = moment.enqueue(time.time()).wait(30)
            if number >= 50:
                waits.append(result.return_value * 1000)
    figures = {
        "samples": samples,
        "p50_ms": harness.quantile(waits, 0.50),
        "p95_ms": harness.quantile(waits, 0.95),
        "p99_ms": harness.quantile(waits, 0.99),
    }
    harness.emit("latency", **figures)
    return figures
