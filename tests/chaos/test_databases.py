"""Databases that go away, come back, stand still, take no writes, or are out of reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction
from django.db.models import QuerySet

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.store.sessions import ENGINE_IDLE_SECONDS
from tests.chaos import invariants, tasks
from tests.chaos.homes import PostgresHome, mounted, unmount
from tests.chaos.outages import LOST, away, reached, read_only
from tests.chaos.profiles import PROFILE
from tests.chaos.proxy import Mode
from tests.chaos.site import ALIAS, Site
from tests.waiting import eventually

EVERYWHERE = pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
QUICK = 0.5
# What a heartbeat sends before its COMMIT, until the session has prepared it.
HEARTBEATS = (b'UPDATE "djtasks_workerrecord"', b"UPDATE `djtasks_workerrecord`")


@EVERYWHERE
def test_ten_leases_without_a_database_cost_no_running_task_anything(site: Site) -> None:
    site.options["heartbeat"] = QUICK
    way = reached(site)
    workers = [site.worker("--processes", "1", "--threads", "4", **way) for _ in range(2)]
    after, during = site.folder / "after", site.folder / "during"
    tasks.wait_for.enqueue_many([(str(after),)] * 4 + [(str(during),)] * 4)
    eventually(lambda: len(site.story().executions) == 8)

    with away(site):
        during.touch()
        site.let_pass(10 * 6 * QUICK)
        ended = sum(one.ended is not None for one in site.story().executions)
        assert ended == 4, "results had to wait in memory"
    tasks.work.enqueue_many([(1.0,)] * 50)
    after.touch()
    site.wait_until_done()

    assert all(LOST in one.output() for one in workers), "the fault hit nobody"
    report = invariants.check(site, count=58)
    assert report.executions == 58, "a task of a living worker ran again"
    invariants.nobody_was_taken_alive(site)


@pytest.mark.parametrize("site", ["postgresql", "mariadb"], indirect=True)
def test_a_database_that_is_killed_again_and_again_loses_nothing(site: Site) -> None:
    way = reached(site)
    workers = [site.worker("--processes", "1", "--threads", "4", **way) for _ in range(2)]
    tasks.work.enqueue_many([(20.0,)] * 1_500)

    for left in (1_300, 900, 500):
        eventually(lambda left=left: site.live_count() < left, seconds=60)
        with away(site):
            site.let_pass(1.0)
        now = site.live_count()
        eventually(lambda now=now: site.live_count() < now, seconds=5 + PROFILE.slack)
    site.wait_until_done()

    assert all(one.output().count(LOST) >= 2 for one in workers), "the fault hit nobody"
    report = invariants.check(site, count=1_500)
    assert report.executions == 1_500, "an outage cost an execution"
    invariants.nobody_was_taken_alive(site)


def test_nobody_dies_of_a_database_that_cannot_be_written(site: Site) -> None:
    site.options["heartbeat"] = QUICK
    workers = [site.worker("--processes", "1", "--threads", "4") for _ in range(2)]
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 8)
    eventually(lambda: len(site.story().executions) == 8)

    with read_only(site):
        assert TaskRecord.objects.filter(state=State.RUNNING).count() == 8, "it can be read"
        with pytest.raises(DatabaseError):
            tasks.work.enqueue()
        connections[ALIAS].close()
        site.let_pass(3 * 6 * QUICK)
        eventually(lambda: all("read-only" in one.output() for one in workers))
    go.touch()
    site.wait_until_done()

    report = invariants.check(site, count=8)
    assert report.executions == 8
    invariants.nobody_was_taken_alive(site)


@pytest.mark.parametrize("site", ["postgresql", "mariadb"], indirect=True)
def test_a_worker_cut_off_from_its_database_stores_nothing_late(site: Site) -> None:
    line = site.database_proxy()
    lonely = site.worker("--processes", "1", database=line)
    go = site.folder / "go"
    tasks.wait_for.enqueue(str(go))
    eventually(lambda: site.running_on(lonely) == 1)
    other = site.worker("--processes", "1")
    pids = [process.pid for process in lonely.descendants()]

    line.switch(Mode.BLACKHOLE)
    site.say("blackhole")
    eventually(lambda: len(site.story().executions) == 2, seconds=PROFILE.dead_host * 2)
    go.touch()
    site.wait_until_done()
    line.switch(Mode.PASS)

    eventually(lambda: "Somebody took this worker's tasks" in lonely.output(), seconds=60)
    invariants.check(site, count=1, excused=pids)
    (row,) = TaskRecord.objects.all()
    assert row.return_value["worker"] == site.story().executions[1].worker
    assert "Worker is dead" in other.output()


def is_locked(rows: QuerySet[WorkerRecord]) -> bool:
    with transaction.atomic(rows.db):
        try:
            return not rows.select_for_update(nowait=True)
        except DatabaseError:
            return True


@pytest.mark.parametrize("site", ["postgresql", "mariadb"], indirect=True)
def test_a_host_that_vanishes_within_its_heartbeat_is_dead_all_the_same(site: Site) -> None:
    line = site.database_proxy()
    lonely = site.worker("--processes", "1", database=line)
    go = site.folder / "go"
    tasks.wait_for.enqueue(str(go))
    eventually(lambda: site.running_on(lonely) == 1)
    pids = [process.pid for process in lonely.descendants()]

    line.blackhole_after(*HEARTBEATS)
    eventually(lambda: not line.flowing.is_set())
    site.say("blackhole within a heartbeat")
    other = site.worker("--processes", "1")
    assert is_locked(WorkerRecord.objects.using(ALIAS).filter(pid__in=pids)), "it was through"
    bound = PROFILE.dead_host + ENGINE_IDLE_SECONDS
    eventually(lambda: len(site.story().executions) == 2, seconds=bound)
    go.touch()
    site.wait_until_done()
    line.switch(Mode.PASS)

    eventually(lambda: "Somebody took this worker's tasks" in lonely.output(), seconds=60)
    invariants.check(site, count=1, excused=pids)
    assert "Worker is dead" in other.output()


def test_a_slow_database_takes_nobodys_tasks(site: Site) -> None:
    line = site.database_proxy()
    line.delay = 0.15
    for _ in range(2):
        site.worker("--processes", "1", "--threads", "4", database=line)
    tasks.work.enqueue_many([(10.0,)] * 200)

    site.wait_until_done()

    report = invariants.check(site, count=200)
    assert report.executions == 200
    invariants.nobody_was_taken_alive(site)


def test_a_session_that_holds_rows_and_hangs_holds_up_no_others(site: Site) -> None:
    site.worker("--processes", "1", "--threads", "4")
    held, free = site.folder / "held", site.folder / "free"
    tasks.wait_for.enqueue_many([(str(held),)] * 2 + [(str(free),)] * 2)
    eventually(lambda: len(site.story().executions) == 4)
    ids = [entry.id for entry in site.story().of("start")]

    with transaction.atomic(using=ALIAS):
        list(TaskRecord.objects.filter(args__contains=str(held)).select_for_update())
        held.touch()
        free.touch()
        tasks.work.enqueue_many([(1.0,)] * 200)
        # Settled together with the others first, then bisected out of their batch.
        eventually(
            lambda: TaskRecord.objects.filter(state=State.SUCCESSFUL).count() == 2, seconds=60
        )
        site.let_pass(PROFILE.lease)
        running = TaskRecord.objects.filter(state=State.RUNNING, pk__in=ids).count()
        assert running == 2, "the fault held nothing up"
    site.wait_until_done()

    report = invariants.check(site, count=204)
    assert report.executions == 204
    invariants.nobody_was_taken_alive(site)


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, django_db_blocker: object) -> Iterator[Site]:
    """An installation whose PostgreSQL has a file system of its own with little room."""
    folder = Path(tempfile.mkdtemp(prefix="djt-chaos-disk-"))
    folder.chmod(0o755)
    disk = folder / "disk"
    disk.mkdir()
    if not mounted(disk, megabytes=160):
        pytest.skip("mounting a small file system is not allowed here")
    home = PostgresHome(disk / "home")
    ballast = disk / "ballast"
    try:
        with django_db_blocker.unblock(), Site(home, 0).opened() as site:  # type: ignore[attr-defined]
            request.node.chaos_site = site
            yield site
            ballast.unlink(missing_ok=True)
    finally:
        home.stop()
        unmount(disk)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_full_disk_fails_in_the_caller_and_loses_nothing(small_disk: Site) -> None:
    site = small_disk
    worker = site.worker("--processes", "1", "--threads", "4")
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 4)
    eventually(lambda: site.running_on(worker) == 4)
    ballast = site.home.folder.parent / "ballast"  # type: ignore[union-attr]

    kept = 4 + enqueue_until_it_fails(site, ballast)
    go.touch()
    eventually(lambda: sum(one.ended is not None for one in site.story().executions) >= 4)
    ballast.unlink()
    site.say("there is room again")
    restart_if_it_gave_up(site)
    site.wait_until_done()

    report = invariants.check(site, count=kept)
    assert report.executions == kept
    invariants.nobody_was_taken_alive(site)


def enqueue_until_it_fails(site: Site, ballast: Path) -> int:
    """Fill the disk, and enqueue until the caller is told; return how many were taken."""
    taken = 0
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65_536):
                continue
        except OSError:
            site.say("the disk is full")
    padding = "x" * 2_000
    for _ in range(100):
        try:
            taken += tasks.padded.enqueue_many([(padding,)] * 500)
        except DatabaseError as error:
            site.say(f"enqueue failed: {error}")
            connections[ALIAS].close()
            return taken
    raise AssertionError("the disk was never full")


def restart_if_it_gave_up(site: Site) -> None:
    """Start PostgreSQL again where it could not even write its log, as an operator would."""
    assert isinstance(site.home, PostgresHome)
    try:
        site.ask(TaskRecord.objects.count, seconds=5)
    except DatabaseError:
        site.say("PostgreSQL had given up")
        site.home.stop()
        site.home.start()
    with psycopg.connect(site.home.server.url) as session:
        session.execute("SELECT 1")
