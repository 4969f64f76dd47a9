"""Redis that loses, repeats, forges, or is not there."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from djtasks.models import TaskRecord
from djtasks.testing.servers import start_valkey
from tests.chaos import invariants, tasks
from tests.chaos.profiles import PROFILE
from tests.chaos.proxy import Mode, Proxy
from tests.chaos.site import Site
from tests.installations import free_port
from tests.waiting import eventually

COUNTING = "tests.chaos.faults.CountingBroker"


@pytest.mark.slow
@pytest.mark.everyday
def test_a_flushed_redis_is_filled_again_from_the_rows_and_only_once(site: Site) -> None:
    later = tasks.work.using(run_after=timedelta(seconds=12)).enqueue()
    tasks.work.enqueue_many([(1.0,)] * 6_000)
    lost = site.hints()
    site.redis().flushall()
    site.worker("--processes", "2", broker=COUNTING)

    for left in (5_000, 3_000, 1_000):
        eventually(lambda left=left: site.live_count() < left, seconds=60)
        lost += site.hints()
        site.redis().flushall()
        site.say(f"FLUSHALL, {lost} hints lost so far")
    site.wait_until_done()

    assert lost >= 6_000, "the fault hit nothing"
    report = invariants.check(site, count=6_001)
    assert report.executions == 6_001
    delayed = TaskRecord.objects.get(pk=later.id)
    assert delayed.run_after <= delayed.started_at
    pushed = sum(entry.fence for entry in site.story().of("pushed-new"))
    assert pushed <= 1.05 * (6_001 + lost)


def test_a_killed_redis_stops_nobody_and_may_come_back_empty(site: Site) -> None:
    tasks.work.enqueue_many([(5.0,)] * 3_000)
    worker = site.worker("--processes", "2", "--threads", "2")
    eventually(lambda: site.live_count() < 2_900, seconds=60)
    lost = site.hints()

    site.kill_redis()
    began = time.monotonic()
    for _ in range(20):
        tasks.work.enqueue()
    longest = time.monotonic() - began
    eventually(lambda: "fetching from the database" in worker.output())
    left = site.live_count()
    eventually(lambda: site.live_count() < min(left, 1_000), seconds=60)
    site.start_redis()
    eventually(lambda: "Broker is back" in worker.output() or not site.live_count())
    site.wait_until_done()

    assert lost > 500, "the fault hit nothing"
    assert longest < 20, "producers waited for Redis again and again"
    report = invariants.check(site, count=3_020)
    assert report.executions == 3_020


def test_hints_that_an_old_dump_brings_back_start_nothing_again(site: Site) -> None:
    tasks.work.enqueue_many([(1.0,)] * 2_000)
    site.redis().save()
    site.worker("--processes", "2", broker=COUNTING)
    site.wait_until_done()

    site.kill_redis()
    site.start_redis()
    tasks.work.enqueue()
    site.wait_until_done()
    eventually(lambda: site.hints() == 0)

    # Who pops writes it down a moment later. Nothing was resurrected if this never comes.
    eventually(lambda: sum(entry.fence for entry in site.story().of("popped")) >= 2 * 2_000)
    report = invariants.check(site, count=2_001)
    assert report.executions == 2_001


def test_a_failover_to_a_replica_that_lags_loses_no_task(site: Site) -> None:
    line = site.redis_proxy()
    go = site.folder / "go"
    site.worker("--processes", "1", "--threads", "1", redis_at=line)
    tasks.wait_for.enqueue(str(go))
    eventually(lambda: len(site.story().executions) == 1)
    replica = Replica(site)

    replica.lag()
    tasks.work.enqueue_many([(1.0,)] * 500)
    lost = site.hints()
    site.kill_redis()
    replica.take_over(line)
    assert replica.hints() < lost, "the replica did not lag"
    go.touch()
    site.wait_until_done()
    replica.stop()

    assert lost >= 500, "the fault hit nothing"
    report = invariants.check(site, count=501)
    assert report.executions == 501


class Replica:
    """A second Redis that copies that of the site, until it must take its place."""

    def __init__(self, site: Site) -> None:
        port = free_port()
        site.redis().config_set("port", port)
        self._folder = site.folder / "replica"
        self._folder.mkdir()
        self._line = Proxy(("127.0.0.1", port))
        self._server = start_valkey(self._folder, "--replicaof", "127.0.0.1", str(self._line.port))
        self._client = redis.Redis.from_url(self._server.url)
        eventually(lambda: self._client.info("replication")["master_link_status"] == "up")

    def lag(self) -> None:
        """Get no more of what the other one is told."""
        self._line.switch(Mode.BLACKHOLE)

    def take_over(self, line: Proxy) -> None:
        self._line.close()
        self._client.replicaof("NO", "ONE")
        line.aim(self._folder / "valkey.sock")

    def hints(self) -> int:
        return sum(self._client.zcard(key) for key in self._client.scan_iter())

    def stop(self) -> None:
        self._server.stop()


def _no_memory(client: "redis.Redis") -> Callable[[], object]:
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    return lambda: client.config_set("maxmemory", 0)


def _read_only(client: "redis.Redis") -> Callable[[], object]:
    client.replicaof("127.0.0.1", 1)
    return lambda: client.replicaof("NO", "ONE")


def _no_permission(client: "redis.Redis") -> Callable[[], object]:
    client.execute_command("ACL", "SETUSER", "default", "-zadd", "-zmpop", "-bzmpop")
    return lambda: client.execute_command("ACL", "SETUSER", "default", "+@all")


def _cannot_save(client: "redis.Redis") -> Callable[[], object]:
    Path(client.config_get("dir")["dir"], "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    return lambda: client.config_set("save", "")


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (_no_memory, "maxmemory"),
        (_read_only, "read only"),
        (_no_permission, "no permission"),
        (_cannot_save, "MISCONF"),
    ],
    ids=["full", "read-only", "forbidden", "cannot-save"],
)
def test_a_redis_that_refuses_writes_stops_no_task(
    site: Site, break_it: Callable[["redis.Redis"], Callable[[], object]], complaint: str
) -> None:
    client = site.redis()
    site.worker("--processes", "1")
    tasks.work.enqueue()
    site.wait_until_done()
    mend = break_it(client)

    with pytest.raises(redis.RedisError, match=f"(?i){complaint}"):
        client.zadd("probe", {"x": 1})
    tasks.work.enqueue_many([(1.0,)] * 300)
    site.wait_until_done(seconds=PROFILE.lost_hint + 30)
    mend()
    tasks.work.enqueue_many([(1.0,)] * 300)
    site.wait_until_done()

    report = invariants.check(site, count=601)
    assert report.executions == 601


def test_a_redis_that_swallows_everything_makes_no_worker_deaf(site: Site) -> None:
    line = site.redis_proxy()
    worker = site.worker("--processes", "1", redis_at=line)
    tasks.work.enqueue()
    site.wait_until_done()

    line.switch(Mode.BLACKHOLE)
    tasks.work.enqueue_many([(1.0,)] * 300)
    site.wait_until_done(seconds=10 + PROFILE.slack)
    assert "fetching from the database" in worker.output(), "the fault hit nothing"
    line.switch(Mode.PASS)
    eventually(lambda: "Broker is back" in worker.output())

    line.freeze_links()
    tasks.work.enqueue()
    site.wait_until_done(seconds=10 + PROFILE.slack)
    line.delay = 0.3
    tasks.work.enqueue_many([(1.0,)] * 300)
    site.wait_until_done()

    report = invariants.check(site, count=602)
    assert report.executions == 602
