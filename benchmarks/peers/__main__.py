"""`make bench-peers`: djtasks beside its peers, as JSON lines. `--quick` for a look.

Contestants take turns, so that what else the machine does falls on all of them alike.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Any

import psycopg

from benchmarks import harness
from benchmarks.peers import running
from benchmarks.peers.environments import Missing, bin_of
from benchmarks.peers.lineup import LINEUP, Contestant
from benchmarks.peers.place import Place, servers
from benchmarks.peers.team import Failed
from benchmarks.peers.versions import versions_of


def main() -> None:
    """Measure those that were asked for, in turns."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of a tenth of the work")
    parser.add_argument("--runs", type=int, help="how often each (default: 3)")
    parser.add_argument("--minutes", type=float, help="begin no round that would end later")
    parser.add_argument("--output", type=argparse.FileType("w"), help="a file for the lines too")
    names = [one.name for one in LINEUP]
    parser.add_argument("only", nargs="*", metavar="NAME", help=", ".join(names))
    asked = parser.parse_args()
    if unknown := set(asked.only) - set(names):
        parser.error(f"no such contestant: {', '.join(sorted(unknown))}")
    chosen = [one for one in LINEUP if not asked.only or one.name in asked.only]
    sizes = running.QUICK if asked.quick else running.Sizes()
    runs = asked.runs or (1 if asked.quick else 3)
    # Asked to end, leave no worker behind; those started in the background ignore Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    outputs = [sys.stdout, *([asked.output] if asked.output else [])]
    with servers() as place:
        emit(outputs, "conditions", **conditions(place, runs))
        able = [one for one in chosen if introduce(one, outputs)]
        started = time.monotonic()
        for number in range(1, runs + 1):
            took = (time.monotonic() - started) / 60
            if asked.minutes and number > 1 and took * number / (number - 1) > asked.minutes:
                break
            for contestant in able:
                take_turn(contestant, place, sizes, number=number, outputs=outputs)
        emit(outputs, "end", load=os.getloadavg()[0])


def introduce(contestant: Contestant, outputs: Iterable[IO[str]]) -> bool:
    """Print what a contestant is; return whether it can take part."""
    try:
        python = bin_of(contestant) / "python"
    except Missing as error:
        emit(outputs, "missing", contestant=contestant.name, why=str(error))
        return False
    durability = contestant.durability
    emit(
        outputs,
        "contestant",
        contestant=contestant.name,
        versions=versions_of(python, contestant.packages),
        work=[" ".join(command) for command in contestant.work],
        nap=[" ".join(command) for command in contestant.nap],
        no_nap=contestant.no_nap,
        settings=contestant.settings | (contestant.django or {}),
        poll_seconds=contestant.poll,
        is_django=contestant.is_django,
        durability=vars(durability),
    )
    return True


def take_turn(
    contestant: Contestant,
    place: Place,
    sizes: running.Sizes,
    *,
    number: int,
    outputs: Iterable[IO[str]],
) -> None:
    """Print the figures of one run, or why there are none."""
    started = time.monotonic()
    try:
        figures = running.measure(contestant, place, sizes)
    except (Failed, psycopg.Error) as error:
        figures = {"failed": str(error), "load": os.getloadavg()[0]}
    took = time.monotonic() - started
    emit(outputs, "run", contestant=contestant.name, run=number, took=took, **figures)


def conditions(place: Place, runs: int) -> dict[str, Any]:
    """Return what a figure means nothing without."""
    import redis

    with place.connect() as database:
        postgresql = database.info.server_version
    server: Any = redis.Redis.from_url(place.redis).info("server")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": runs,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.release(),
        "postgresql": postgresql,
        "valkey": server.get("valkey_version", server["redis_version"]),
        "calibration_ms": harness.calibration(),
        "load": os.getloadavg()[0],
    }


def emit(outputs: Iterable[IO[str]], kind: str, **figures: Any) -> None:
    """Print one line of JSON."""
    line = json.dumps({"line": kind} | {key: _rounded(one) for key, one in figures.items()})
    for output in outputs:
        print(line, file=output, flush=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return [_rounded(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
