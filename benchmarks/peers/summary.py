"""What the lines of a run say together: medians, ranges, and who was left out and why."""

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import quantile


@dataclass(frozen=True)
class Range:
    """The median of some runs, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Range | None":
        """Return the range of some values; None of none."""
        known = list(values)
        return cls(statistics.median(known), min(known), max(known)) if known else None


@dataclass
class Entrant:
    """One contestant with the figures of its runs."""

    name: str
    about: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def range_of(self, figure: str) -> Range | None:
        """Return the range of a figure over the runs that have it."""
        return Range.of(run[figure] for run in self.runs if figure in run)

    def wait(self, share: float) -> Range | None:
        """Return the range over the runs of a quantile of the pick-up latency, in ms."""
        return Range.of(quantile(run["waits_ms"], share) for run in self.runs if run["waits_ms"])

    def cpu(self) -> Range | None:
        """Return the range of the CPU of a task, of workers and servers together, in µs."""
        return Range.of(run["worker_cpu_us"] + run["server_cpu_us"] for run in self.runs)

    @property
    def stores(self) -> bool:
        """Whether the results were there, and were checked."""
        return any(run["results_checked"] for run in self.runs)

    @property
    def is_in_postgres(self) -> bool:
        return "PostgreSQL" in self.about["durability"]["task"]


@dataclass
class Summary:
    """All of it."""

    conditions: dict[str, Any]
    entrants: dict[str, Entrant]
    missing: dict[str, str]
    end_load: float

    def loads(self) -> Range:
        """Return how busy the machine was before the runs."""
        found = Range.of(run["load"] for one in self.entrants.values() for run in one.runs)
        return found or Range(0, 0, 0)

    def calibrations(self) -> Range:
        """Return how long a fixed loop took before the runs, in ms."""
        found = Range.of(
            run["calibration_ms"] for one in self.entrants.values() for run in one.runs
        )
        return found or Range(0, 0, 0)

    def ranked(
        self, key: Callable[[Entrant], Range | None], *, least: bool = False
    ) -> list[Entrant]:
        """Return those that have a figure, the best first."""
        having = [(found, one) for one in self.entrants.values() if (found := key(one))]
        having.sort(key=lambda pair: pair[0].median, reverse=not least)
        return [one for _found, one in having]


def read(path: Path) -> Summary:
    """Return what a file of lines says.

    Raises ValueError when it is not of a whole run: the page must not show half of one.
    """
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = {line["line"] for line in lines}
    if not {"conditions", "end"} <= kinds:
        raise ValueError(
            f"{path} is not the output of a whole run: it has no line `conditions` or no line "
            "`end`. Run `python -m benchmarks.peers --output FILE` to its end."
        )
    entrants: dict[str, Entrant] = {}
    missing: dict[str, str] = {}
    for line in lines:
        match line["line"]:
            case "contestant":
                entrants[line["contestant"]] = Entrant(line["contestant"], line)
            case "missing":
                missing[line["contestant"]] = line["why"]
            case "run" if "failed" in line:
                entrants[line["contestant"]].failures.append(line["failed"])
            case "run":
                entrants[line["contestant"]].runs.append(line)
    (conditions,) = (line for line in lines if line["line"] == "conditions")
    return Summary(conditions, entrants, missing, lines[-1]["load"])
