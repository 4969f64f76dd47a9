"""One run of one contestant: fill, drain, pick up, sleep; and whether each task ran once."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import calibration
from benchmarks.peers import ledger
from benchmarks.peers.environments import bin_of
from benchmarks.peers.lineup import Contestant
from benchmarks.peers.place import Place
from benchmarks.peers.team import Failed, Producer, Team, producer, wait_for, worker

SINGLE = 1000
NAPS = 2000
# Numbers say what a task is for.
DRAIN, WARM, PICK_UP, NAP, WARM_NAP = (n * 10_000_000 for n in range(5))


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    share: float = 1.0
    samples: int = 200
    naps: int = NAPS
    span: float = 2.0


QUICK = Sizes(share=0.1, samples=30, naps=200, span=2.0)


@dataclass(frozen=True)
class Run:
    """What a run works with."""

    contestant: Contestant
    sizes: Sizes
    place: Place
    path: Path
    producer: Producer

    def entries(self) -> list[ledger.Entry]:
        return ledger.read(self.path)

    def wait_until_ran(self, team: Team, numbers: range, before: int, what: str) -> None:
        """Return when the ledger has so many more entries, or raise Failed."""
        wait_for(lambda: ledger.size(self.path) >= before + len(numbers), team, what)


def measure(contestant: Contestant, place: Place, sizes: Sizes) -> dict[str, Any]:
    """Return the figures of one run.

    Raises Missing if the contestant cannot take part, Failed if it did not do its work, or not
    each task exactly once: such a run has no figures.
    """
    folder = bin_of(contestant)
    place.empty(contestant)
    path = place.ledgers / "ledger"
    with suppress(FileNotFoundError):
        path.unlink()
    environment = place.environment(contestant, path, span=sizes.span)
    values = {"bin": str(folder), "redis": place.redis}
    log = place.ledgers / "worker.log"
    figures: dict[str, Any] = {"calibration_ms": calibration(), "load": os.getloadavg()[0]}
    said = place.ledgers / "producer.log"
    with producer(folder / "python", contestant.module, environment, said) as asked:
        can = asked.ask("prepare")
        run = Run(contestant, sizes, place, path, asked)
        single, waiting = enqueue_singly(run)
        with worker(contestant.work, values, environment, log) as team:
            warm_up(run, team, waiting)
            figures |= single | _work(run, team, can)
        if contestant.nap:
            with worker(contestant.nap, values, environment, log) as team:
                figures |= _nap(run, team)
    return figures


def _work(run: Run, team: Team, can: dict[str, Any]) -> dict[str, Any]:
    before = ledger.size(run.path)
    most = int(run.contestant.count * run.sizes.share)
    with team.frozen():
        figures, drain = fill(run, most, many=can["many"])
        cpu, servers_cpu = team.cpu_seconds(), run.place.cpu_seconds()
    count = len(drain)
    run.wait_until_ran(team, drain, before, f"a drain of {count} tasks")
    lag = wait_for_results(run, team, drain) if can["stores"] else 0.0
    figures["worker_cpu_us"] = (team.cpu_seconds() - cpu) / count * 1e6
    # A few µs of it are ours: the results have been read to compare them.
    figures["server_cpu_us"] = (run.place.cpu_seconds() - servers_cpu) / count * 1e6
    figures["count"] = count
    figures["results_checked"] = can["stores"]
    figures["drain_per_second"] = count / (ledger.seconds(run.entries(), drain) + lag)
    samples = range(PICK_UP, PICK_UP + run.sizes.samples)
    figures["waits_ms"] = run.producer.ask("latency", samples)["waits_ms"]
    require(run, drain)
    require(run, range(PICK_UP, PICK_UP + len(figures["waits_ms"])))
    return figures


def enqueue_singly(run: Run) -> tuple[dict[str, Any], range]:
    """Measure one call a task while there is no worker; return the tasks too."""
    most = int(min(SINGLE, run.contestant.count / 2) * run.sizes.share)
    answer = run.producer.ask("add_each", range(WARM, WARM + most))
    figures = {
        "enqueue_per_second": answer["count"] / answer["seconds"],
        "enqueue_cpu_us": answer["cpu_seconds"] / answer["count"] * 1e6,
    }
    return figures, range(WARM, WARM + answer["count"])


def warm_up(run: Run, team: Team, waiting: range) -> None:
    """Let the worker do what waits, and more, until all its processes have worked."""
    run.wait_until_ran(team, waiting, 0, "warming up")
    first = waiting.stop
    for _ in range(10):
        pids = {entry.pid for entry in run.entries()}
        if len(pids) >= run.contestant.processes:
            return require(run, range(waiting.start, first))
        before = ledger.size(run.path)
        count = run.producer.ask("add_each", range(first, first + 100))["count"]
        run.wait_until_ran(team, range(count), before, "warming up")
        first += count
    raise Failed(f"only {len(pids)} of {run.contestant.processes} processes work")


def fill(run: Run, most: int, *, many: bool) -> tuple[dict[str, Any], range]:
    """Enqueue what is to be drained, with the call for many where there is one."""
    answer = run.producer.ask("add_many" if many else "add_each", range(DRAIN, DRAIN + most))
    figures = {"enqueue_many_per_second": answer["count"] / answer["seconds"]} if many else {}
    return figures, range(DRAIN, DRAIN + answer["count"])


def wait_for_results(run: Run, team: Team, numbers: range) -> float:
    """Return how many seconds after the last task began all results were there.

    It is 0 if the first look sees them all: looking itself takes a while.
    """
    last = max(entry.at for entry in run.entries() if entry.number in numbers)
    looks = 0

    def all_are_there() -> bool:
        nonlocal looks
        looks += 1
        return bool(run.producer.ask("stored", numbers)["stored"] == len(numbers))

    wait_for(all_are_there, team, "storing all results, each once,", 20.0)
    return 0.0 if looks == 1 else (time.monotonic_ns() - last) / 1e9


def _nap(run: Run, team: Team) -> dict[str, Any]:
    nap(run, team, range(WARM_NAP, WARM_NAP + 200))
    numbers = range(NAP, NAP + run.sizes.naps)
    nap(run, team, numbers)
    # A mark is made when a nap begins; the last one takes 50 ms more.
    return {"nap_seconds": ledger.seconds(run.entries(), numbers) + 0.05, "naps": len(numbers)}


def nap(run: Run, team: Team, numbers: range) -> None:
    """Let these sleeping tasks collect, and the worker do them."""
    before = ledger.size(run.path)
    with team.frozen():
        run.producer.ask("nap_all", numbers)
    run.wait_until_ran(team, numbers, before, f"{len(numbers)} naps")
    require(run, numbers)


def require(run: Run, numbers: range) -> None:
    """Raise Failed unless each of these tasks ran exactly once."""
    verdict = ledger.judge(run.entries(), numbers)
    if not verdict.is_right:
        raise Failed(f"{verdict} of {len(numbers)}")
