"""The number of schedules that one scheduler fires, each every five seconds."""

from benchmarks import beat, harness

SCHEDULES = (10, 100, 1_000, 10_000)
SECONDS = 30


def measure(seconds: int = SECONDS) -> None:
    """Print a line a number of schedules: how late they fire, and what it costs."""
    for count in SCHEDULES:
        harness.emit("growth", **beat.alone(count, seconds))
