"""`make chaos-headline`: 100,000 tasks while everything breaks, beside the same in peace.

    python -m tests.chaos.headline [--count 100000] [--processes 2]

Every second a process that runs tasks is killed with -9, every fourth time its whole host,
supervisor and all, and another one is started. Redis is flushed twice and killed and started
empty once, PostgreSQL is stopped `-m immediate` and started once. Prints what happened as JSON,
and ends with 1 where a promise was not kept.
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROCESSES, THREADS, COROUTINES = 2, 8, 32
SLOTS = THREADS + COROUTINES
# What a child has finished and the database does not know yet: a batch on its way, and what was
# claimed ahead and has run meanwhile.
UNSETTLED = 500 + 300
_HOST_EVERY = 4
_LONGEST_RUN_SECONDS = 3_600


def enqueue(count: int) -> None:
    """Enqueue a mix: most are short, some wait, some are coroutines, some fail at first."""
    from tests.chaos import tasks

    mix = random.Random(count)
    waiting, coroutines, failing = count // 10, count // 5, count // 50
    tasks.work.enqueue_many((mix.choice([1.0, 5.0, 20.0]),) for _ in range(waiting))
    tasks.work_async.enqueue_many((mix.choice([1.0, 20.0, 200.0]),) for _ in range(coroutines))
    tasks.fails_twice.enqueue_many(() for _ in range(failing))
    tasks.work.enqueue_many(() for _ in range(count - waiting - coroutines - failing))


class Attack:
    """What is done to a site, as its backlog shrinks; a kill every second all the while."""

    def __init__(self, site: Any, count: int, flags: tuple[str, ...]) -> None:
        self.site = site
        self.kills = self.hosts_killed = self.hints_lost = 0
        self._flags = flags
        self._at: list[tuple[float, Callable[[], None]]] = [
            (0.85 * count, self._flush),
            (0.65 * count, self._restart_database),
            (0.45 * count, self._flush),
            (0.25 * count, self._replace_redis),
        ]

    def run(self) -> None:
        """Kill until every record is final."""
        began, rounds = time.monotonic(), 0
        while left := self.site.live_count():
            assert time.monotonic() - began < _LONGEST_RUN_SECONDS, f"{left} are not final"
            if self._at and left < self._at[0][0]:
                self._at.pop(0)[1]()
            self._kill_one()
            rounds += 1
            self.site.let_pass(max(0.0, began + rounds - time.monotonic()))
        assert not self._at, "it was over before everything had broken"

    def _kill_one(self) -> None:
        alive = [one for one in self.site.workers if not one.has_ended]
        self.site.random.shuffle(alive)
        if self.kills % _HOST_EVERY == _HOST_EVERY - 1:
            self.site.kill_worker(alive[0])
            self.hosts_killed += 1
            self.kills += 1
            self.site.worker(*self._flags, wait=False)
        else:
            self.kills += any(self.site.kill_child(one) for one in alive)

    @property
    def children_killed(self) -> int:
        """How many processes that run tasks were killed."""
        return self.kills - self.hosts_killed + PROCESSES * self.hosts_killed

    def _flush(self) -> None:
        self.hints_lost += self.site.hints()
        self.site.redis().flushall()

    def _restart_database(self) -> None:
        from tests.chaos.outages import away

        with away(self.site):
            self.site.let_pass(1.0)

    def _replace_redis(self) -> None:
        self.hints_lost += self.site.hints()
        self.site.kill_redis()
        self.site.let_pass(2.0)
        self.site.start_redis()


def measure(site: Any, count: int, *, workers: int, calm: bool) -> dict[str, Any]:
    """Run `count` tasks, in peace or under attack, check every invariant, return the figures."""
    from tests.chaos import invariants

    flags = ("--processes", str(PROCESSES), "--threads", str(THREADS))
    flags += ("--async-slots", str(COROUTINES))
    for _ in range(workers):
        site.worker(*flags)
    enqueue(count)
    attack = Attack(site, count, flags)
    if calm:
        site.wait_until_done(seconds=_LONGEST_RUN_SECONDS)
    else:
        attack.run()
    ends = [one.ended for one in site.story().executions if one.ended is not None]
    seconds = (max(ends) - site.story().executions[0].started) / 1e9
    report = invariants.check(site, count=count, attempts=3)
    failing = count // 50
    again = report.executions - count - 2 * failing
    return {
        "seconds": round(seconds, 1),
        "tasks_a_second": round(count / seconds),
        "kills": attack.kills,
        "hosts_killed": attack.hosts_killed,
        "hints_lost": attack.hints_lost,
        "final": report.records,
        "executions_cut_off": report.interrupted,
        "cut_off_at_most": attack.children_killed * SLOTS,
        "executions_again": again,
        "again_at_most": attack.children_killed * (SLOTS + UNSETTLED),
    }


@contextmanager
def site_of(folder: Path, seed: int) -> Iterator[Any]:
    """Open an installation on a PostgreSQL of its own."""
    from tests.chaos.homes import PostgresHome
    from tests.chaos.site import Site

    home = PostgresHome(folder)
    try:
        with Site(home, seed).opened() as site:
            yield site
    finally:
        home.stop()


def conditions() -> dict[str, Any]:
    """Return what the figures depend on."""
    import django
    import psycopg
    import redis

    import djtasks

    return {
        "djtasks": djtasks.__version__,
        "python": platform.python_version(),
        "django": django.get_version(),
        "psycopg": psycopg.__version__,
        "redis-py": redis.__version__,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Run in peace, then under attack; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.headline", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    print(json.dumps({"conditions": conditions(), "count": asked.count, "seed": asked.seed}))
    figures = {}
    with tempfile.TemporaryDirectory(prefix="djt-headline-") as name:
        Path(name).chmod(0o755)
        for kind in ("calm", "attacked"):
            with site_of(Path(name) / kind, asked.seed) as site:
                figures[kind] = measure(
                    site, asked.count, workers=asked.workers, calm=kind == "calm"
                )
            print(json.dumps({kind: figures[kind]}), flush=True)
    share = figures["attacked"]["tasks_a_second"] / figures["calm"]["tasks_a_second"]
    attacked = figures["attacked"]
    is_bounded = (
        attacked["executions_cut_off"] <= attacked["cut_off_at_most"]
        and attacked["executions_again"] <= attacked["again_at_most"]
    )
    print(json.dumps({"share_of_calm": round(share, 2), "bounded": is_bounded}))
    return 0 if share >= 0.5 and is_bounded else 1


if __name__ == "__main__":
    sys.exit(main())
