"""Schedulers under fire: every due time once, none too late, although one is always killed."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks import harness

SECONDS = 60
INTERVAL = timedelta(seconds=5)
SCHEDULERS = 3
SCHEDULES = {"default": 10_000, "sqlite": 300, "mariadb": 300}
IDLE_SCHEDULES = 1_000
MARIADB_URL = os.environ.get("BENCH_MARIADB_URL", "mysql://root@127.0.0.1:3306")


def measure(seconds: int = SECONDS) -> None:
    """Print a line a database, one for a scheduler alone, and one for idle schedules."""
    under_fire("default", seconds)
    harness.emit("beat_alone", **alone(SCHEDULES["default"], seconds))
    idle(seconds)
    under_fire("sqlite", seconds)
    with mariadb() as is_there:
        if is_there:
            under_fire("mariadb", seconds)


def under_fire(alias: str, seconds: int) -> dict[str, Any]:
    """Run three schedulers, kill one every second, and count what was fired."""
    from django.core.management import call_command

    count = SCHEDULES[alias]
    call_command("migrate", database=alias, verbosity=0)
    with ExitStack() as stack:
        declare(alias, count)
        running = [stack.enter_context(scheduler(alias)) for _ in range(SCHEDULERS)]
        harness.wait_until(lambda: everything_has_fired(alias))
        since = database_clock(alias)
        kills = 0
        deadline = time.monotonic() + seconds
        for victim in itertools.cycle(range(SCHEDULERS)):
            if time.monotonic() >= deadline:
                break
            time.sleep(1)
            running[victim].kill()
            running[victim] = stack.enter_context(scheduler(alias))
            kills += 1
        until = database_clock(alias)
        harness.wait_until(lambda: everything_is_fired_until(alias, until))
    figures = {
        "database": alias,
        "schedules": count,
        "seconds": seconds,
        "kills": kills,
        **what_was_fired(alias, since, until),
    }
    harness.emit("beat_under_fire", **figures)
    return figures


def alone(count: int, seconds: int) -> dict[str, Any]:
    """Return what one scheduler costs that fires all of it, and how late it is."""
    declare("default", count)
    with scheduler("default") as process:
        harness.wait_until(lambda: everything_has_fired("default"))
        since = database_clock("default")
        before, started = harness.cpu_seconds([process]), time.monotonic()
        time.sleep(seconds)
        share = (harness.cpu_seconds([process]) - before) / (time.monotonic() - started)
        until = database_clock("default")
        harness.wait_until(lambda: everything_is_fired_until("default", until))
    fired = what_was_fired("default", since, until)
    return {"schedules": count, "cpu_share_of_a_core": share, **fired}


def idle(seconds: int) -> dict[str, Any]:
    """Count the transactions a second of schedulers that have nothing to do."""
    declare("default", IDLE_SCHEDULES, interval=timedelta(days=1))
    figures: dict[str, Any] = {"schedules": IDLE_SCHEDULES}
    # The server's own chores are transactions too: see those of 0.
    for schedulers in (0, 1, SCHEDULERS):
        with ExitStack() as stack:
            for _ in range(schedulers):
                stack.enter_context(scheduler("default"))
            # Their start, with the first looks at everything, is over.
            time.sleep(10)
            before = transactions()
            time.sleep(max(seconds, 20))
            figures[f"queries_a_second_of_{schedulers}"] = (transactions() - before) / max(
                seconds, 20
            )
    harness.emit("beat_idle", **figures)
    return figures


@contextmanager
def scheduler(alias: str) -> Iterator[psutil.Process]:
    """Run a `runbeat` during the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "runbeat"],
        env=os.environ | {"BENCH_DATABASE": alias},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def mariadb() -> Iterator[bool]:
    """Make a database for the block where a MariaDB answers; tell whether one does."""
    import pymysql
    from django.db import connections

    parts = urlsplit(MARIADB_URL)
    name = f"djtasks_bench_{os.getpid()}"
    try:
        server = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username or "root",
            password=parts.password or "",
        )
    except pymysql.Error:
        yield False
        return
    server.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        os.environ["BENCH_MARIADB"] = f"{MARIADB_URL}/{name}"
        from importlib import reload

        from benchmarks import settings

        connections.settings["mariadb"] = connections.configure_settings(
            reload(settings).DATABASES
        )["mariadb"]
        yield True
    finally:
        server.cursor().execute(f"DROP DATABASE {name}")


def declare(alias: str, count: int, *, interval: timedelta = INTERVAL) -> None:
    """Leave only these schedules in the table, their due times spread over the interval."""
    from djtasks.models import Schedule, TaskRecord
    from djtasks.schedules import CatchUp, Every

    TaskRecord.objects.using(alias).all().delete()
    Schedule.objects.using(alias).all().delete()
    start = database_clock(alias)
    anchors = [start + interval * (number + 0.5) / count for number in range(count)]
    Schedule.objects.using(alias).bulk_create(
        [
            Schedule(
                backend="default",
                name=str(number),
                task_path="benchmarks.tasks.add",
                args=[number, number],
                rule=Every(interval, anchor=anchor).as_dict(),
                # So that a machine that is too slow shows as lateness and not as a hole.
                missed=CatchUp(1000).as_dict(),
                next_run_at=anchor,
            )
            for number, anchor in enumerate(anchors)
        ],
        batch_size=500,
    )


def everything_has_fired(alias: str) -> bool:
    from djtasks.models import Schedule

    return not Schedule.objects.using(alias).filter(last_due_at=None).exists()


def everything_is_fired_until(alias: str, moment: datetime) -> bool:
    from djtasks.models import Schedule

    return not Schedule.objects.using(alias).filter(next_run_at__lte=moment).exists()


def what_was_fired(alias: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return how many due times fired, twice or not at all, and how late those `since` in ms."""
    from djtasks.models import TaskRecord

    dues: dict[int | None, list[datetime]] = defaultdict(list)
    lateness = []
    runs = TaskRecord.objects.using(alias).filter(due_at__lte=until)
    for schedule, due, enqueued in runs.values_list("schedule", "due_at", "enqueued_at"):
        assert due is not None
        dues[schedule].append(due)
        if due >= since:
            lateness.append((enqueued - due).total_seconds() * 1000)
    return {
        "runs": sum(map(len, dues.values())),
        "fired_twice": sum(len(each) - len(set(each)) for each in dues.values()),
        "holes": sum(_expected(each, until) - len(set(each)) for each in dues.values()),
        "p50_late_ms": harness.quantile(lateness, 0.50),
        "p99_late_ms": harness.quantile(lateness, 0.99),
        "most_late_ms": max(lateness),
    }


def _expected(dues: list[datetime], until: datetime) -> int:
    return (until - min(dues)) // INTERVAL + 1


def database_clock(alias: str) -> datetime:
    """Return the database's clock."""
    from django.db import connections

    from djtasks.store.statements.rows import database_now

    return database_now(connections[alias])


def transactions() -> int:
    """Return how many transactions this database has seen; a query of its own is one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])
