"""The producer of one contestant, in the contestant's environment: orders in, answers out.

    python -m benchmarks.peers.produce MODULE   (started by benchmarks/peers/running.py)

An order is a line of JSON: `do`, and the numbers `first` .. `first + count`. So is an answer.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers import ledger

BATCH = 1000
# A worker that is frozen for longer loses its connections to Redis, and tasks with them.
FILL = 2.5
_LONGEST_WAIT = 15.0


def main(name: str) -> None:
    """Obey orders until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the contestant prints is no answer
    side = import_module(f"benchmarks.peers.contestants.{name}")
    for line in sys.stdin:
        order = json.loads(line)
        numbers = range(order["first"], order["first"] + order["count"])
        try:
            answer = ORDERS[order["do"]](side, numbers)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def prepare(side: Any, _numbers: range) -> dict[str, Any]:
    """Make tables and the like; tell what the contestant can."""
    side.prepare()
    return {"many": hasattr(side, "add_many"), "stores": hasattr(side, "stored")}


def add_each(side: Any, numbers: range) -> dict[str, Any]:
    """Enqueue one by one; stop early rather than take longer than FILL seconds."""
    return _timed(side.add_each, numbers, pieces=50)


def add_many(side: Any, numbers: range) -> dict[str, Any]:
    """Enqueue a thousand a call; stop early like `add_each`."""
    return _timed(side.add_many, numbers, pieces=BATCH)


def nap_all(side: Any, numbers: range) -> dict[str, Any]:
    """Enqueue sleeping tasks, all of them, the quickest way there is."""
    (getattr(side, "nap_many", None) or side.nap_each)(numbers)
    return {}


def _timed(work: Callable[[range], None], numbers: range, *, pieces: int) -> dict[str, Any]:
    started, used = time.perf_counter(), time.process_time()
    done = numbers.start
    while done < numbers.stop and time.perf_counter() - started < FILL:
        piece = range(done, min(done + pieces, numbers.stop))
        work(piece)
        done = piece.stop
    return {
        "count": done - numbers.start,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - used,
    }


def stored(side: Any, numbers: range) -> dict[str, Any]:
    """Count the numbers whose right result is stored exactly once."""
    times = Counter(side.stored())
    return {"stored": sum(times[number + number + 1] == 1 for number in numbers)}


def latency(side: Any, numbers: range) -> dict[str, Any]:
    """Enqueue one task after another, each some time after the last one began."""
    path = Path(os.environ["PEERS_LEDGER"])
    gap, until = float(os.environ["PEERS_GAP"]), time.monotonic() + float(os.environ["PEERS_SPAN"])
    waits = []
    for number in numbers:
        time.sleep(random.uniform(0.002, gap))
        seen, started = ledger.size(path), time.monotonic_ns()
        side.add_each(range(number, number + 1))
        waits.append((_beginning(path, number, seen) - started) / 1e6)
        if time.monotonic() > until:
            break
    return {"waits_ms": waits}


def _beginning(path: Path, number: int, seen: int) -> int:
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        if ledger.size(path) > seen:
            for entry in ledger.read(path, seen):
                if entry.number == number:
                    return entry.at
        time.sleep(0.0005)
    raise TimeoutError(f"task {number} did not begin within {_LONGEST_WAIT:.0f} s")


ORDERS = {one.__name__: one for one in (prepare, add_each, add_many, nap_all, stored, latency)}

if __name__ == "__main__":
    main(sys.argv[1])
