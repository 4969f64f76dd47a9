"""Clocks that jump by an hour and by ten years, on workers, producers and the database."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections

from djtasks.models import TaskRecord
from tests.chaos import invariants, tasks
from tests.chaos.profiles import PROFILE
from tests.chaos.site import ALIAS, Site
from tests.waiting import eventually

HOUR, TEN_YEARS = 3_600, 10 * 365 * 86_400
JUMPS = (HOUR, -HOUR, TEN_YEARS, -TEN_YEARS, 0)


def test_a_worker_whose_clock_jumps_lives_on_and_so_do_its_neighbours(site: Site) -> None:
    clock = site.folder / "clock"
    clock.write_text("0")
    go = site.folder / "go"
    site.worker("--processes", "1", "--threads", "4", CHAOS_CLOCK=str(clock))
    site.worker("--processes", "1", "--threads", "4")
    tasks.wait_for.enqueue_many([(str(go),)] * 8)
    eventually(lambda: len(site.story().executions) == 8)
    clocks = set()

    go.touch()
    for jump in JUMPS:
        clock.write_text(str(jump))
        site.say(f"a worker's clock is off by {jump} s")
        site.let_pass(1.0)
        told = [tasks.tell_time.enqueue() for _ in range(40)]
        site.wait_until_done()
        clocks |= {round(row.return_value["off"] / HOUR) for row in rows_of(told)}

    assert {round(jump / HOUR) for jump in JUMPS} <= clocks, "the clock did not jump"
    invariants.check(site, count=8 + 40 * len(JUMPS))
    invariants.nobody_was_taken_alive(site)


def rows_of(results: list) -> list[TaskRecord]:
    return list(TaskRecord.objects.filter(pk__in=[result.id for result in results]))


@pytest.fixture
def moved(site: Site) -> Iterator["DatabaseClock"]:
    return DatabaseClock()


class DatabaseClock:
    """The clock of a PostgreSQL database, put forward and back behind everybody's back.

    A function of the same name stands before the real one in the search path of every session.
    """

    def __init__(self) -> None:
        self._run("CREATE SCHEMA jump")
        self._run("CREATE TABLE jump.clock AS SELECT interval '0' AS off")
        for name in ("statement_timestamp", "clock_timestamp", "now"):
            self._run(
                f"CREATE FUNCTION jump.{name}() RETURNS timestamptz STABLE LANGUAGE sql AS "
                f"'SELECT pg_catalog.{name}() + (SELECT off FROM jump.clock)'"
            )
        self._run(
            f"ALTER DATABASE {connections[ALIAS].settings_dict['NAME']} "
            "SET search_path = jump, pg_catalog, public"
        )
        connections[ALIAS].close()

    def jump(self, seconds: int) -> None:
        self._run("UPDATE jump.clock SET off = make_interval(secs => %s)", [seconds])

    @staticmethod
    def _run(statement: str, values: list[int] | None = None) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(statement, values)


def test_a_database_whose_clock_jumps_takes_nobodys_tasks_and_hides_none(
    site: Site, moved: DatabaseClock
) -> None:
    from djtasks.engine import engine_of

    go = site.folder / "go"
    for _ in range(2):
        site.worker("--processes", "1", "--threads", "4")
    tasks.wait_for.enqueue_many([(str(go),)] * 4)
    eventually(lambda: len(site.story().executions) == 4)
    honest = engine_of("default").store.now()

    moved.jump(HOUR)
    assert engine_of("default").store.now() - honest > timedelta(minutes=59), "it did not jump"
    tasks.work.enqueue_many([(1.0,)] * 100)
    eventually(lambda: site.live_count() == 4)
    moved.jump(0)
    site.redis().flushall()
    tasks.work.enqueue_many([(1.0,)] * 100)
    eventually(lambda: site.live_count() == 4)
    moved.jump(TEN_YEARS)
    site.let_pass(2 * PROFILE.lease)
    go.touch()
    site.wait_until_done()

    report = invariants.check(site, count=204)
    assert report.executions == 204
    invariants.nobody_was_taken_alive(site)
