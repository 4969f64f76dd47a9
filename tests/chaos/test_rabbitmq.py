"""Workers die, RabbitMQ forgets its hints or is away: nothing is lost, nothing runs twice."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from pytest_django.plugin import DjangoDbBlocker

from djtasks.brokers import kombu
from djtasks.brokers.kombu import BANDS, queue_name
from djtasks.engine import engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.testing.broker_contract import hint, ids_of, pop_all
from tests.brokers.rabbits import kombu_broker, queues_deleted, require_rabbitmq
from tests.chaos import invariants, tasks
from tests.chaos.conftest import SEED
from tests.chaos.site import Site
from tests.rabbit_node import RabbitNode, rabbit_node
from tests.waiting import eventually

pytestmark = pytest.mark.slow

QUEUES = ["default", "mail", "reports"]


@contextmanager
def site_on(url: str, request: Any, homes: Any, blocker: DjangoDbBlocker) -> Iterator[Site]:
    namespace = f"test-{secrets.token_hex(8)}"
    with blocker.unblock(), queues_deleted(url, namespace, QUEUES):
        made = Site(homes["postgresql"], SEED)
        made.options |= {"broker": "kombu", "broker_url": url, "namespace": namespace}
        with made.opened() as opened:
            request.node.chaos_site = opened
            yield opened


@pytest.fixture
def site(request: Any, homes: Any, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """An installation on the machine's RabbitMQ, which nobody stops."""
    with site_on(require_rabbitmq(), request, homes, django_db_blocker) as opened:
        yield opened


@pytest.fixture
def node() -> Iterator[RabbitNode]:
    with rabbit_node() as started:
        yield started


@pytest.fixture
def breakable(
    request: Any, node: RabbitNode, homes: Any, django_db_blocker: DjangoDbBlocker
) -> Iterator[Site]:
    """An installation on a RabbitMQ of its own."""
    with site_on(node.url, request, homes, django_db_blocker) as opened:
        yield opened


def purge(site: Site) -> int:
    """Throw away all hints; return how many there were."""
    lost = 0
    with Connection(site.options["broker_url"]) as connection:
        for queue in QUEUES:
            for band in BANDS:
                name = queue_name(site.options["namespace"], "default", queue, band)
                lost += connection.default_channel.queue_purge(name) or 0
    site.say(f"purged {lost} hints")
    return lost


def depth() -> int:
    """Return how many hints RabbitMQ holds; asked again while a busy one answers too late."""
    broker = engine_of("default").broker
    assert broker is not None

    def ask() -> list[int]:
        with suppress(BrokerUnavailable):
            return [sum(broker.depths(QUEUES).values())]
        return []

    return eventually(ask)[0]


def enqueue(milliseconds: float, count: int) -> None:
    """Enqueue so that all hints arrive: a push leaves to the indexer what has no time."""
    for _ in range(0, count, 100):
        tasks.work.enqueue_many([(milliseconds,)] * 100)


@pytest.mark.everyday
def test_killed_children_and_purged_queues_lose_nothing(site: Site) -> None:
    depth()  # which makes the queues, so that producers need not
    enqueue(5.0, 1_500)
    worker = site.worker("--processes", "2", "--threads", "4")
    eventually(lambda: site.running_on(worker) > 0)

    site.kill_child(worker)
    lost = purge(site)
    site.wait_until_done()

    assert lost > 100, "the fault hit nothing"
    report = invariants.check(site, count=1_500)
    assert report.interrupted <= 4
    assert worker.output().count("Child ended") == 1


def test_a_child_that_is_killed_every_second_loses_nothing(site: Site) -> None:
    depth()
    worker = site.worker("--processes", "2", "--threads", "8")
    tasks.work.enqueue_many([(20.0,)] * 6_000)
    kills = 0

    while kills < 5:
        eventually(lambda: len(site.pids_of(worker)) == 2 and site.running_on(worker) > 4)
        site.kill_child(worker)
        kills += 1
    site.wait_until_done()

    report = invariants.check(site, count=6_000)
    assert 0 < report.interrupted <= kills * 8


def test_a_rabbitmq_that_dies_and_comes_back_with_old_hints_is_no_matter(
    breakable: Site, node: RabbitNode
) -> None:
    site = breakable
    depth()
    enqueue(10.0, 3_000)
    site.worker("--processes", "2", "--threads", "8")
    eventually(lambda: site.live_count() < 2_500)
    held = depth()

    node.kill()
    started = time.monotonic()
    tasks.work.enqueue()
    took = time.monotonic() - started
    tasks.work.using(run_after=timedelta(seconds=1)).enqueue()
    eventually(lambda: site.live_count() < 1_500, seconds=60)
    node.start()
    stale = eventually(depth, seconds=60)
    tasks.work.enqueue_many([(10.0,)] * 500)
    site.wait_until_done()

    assert held > 500, "it held nothing to lose"
    assert stale > 0, "it came back empty"
    assert took < 5.0  # 0.5 s are promised, on a machine with nothing else to do
    report = invariants.check(site, count=3_502)
    assert report.executions == 3_502
    eventually(lambda: depth() == 0)


def test_a_user_with_the_rights_of_the_documentation_may_do_all_that_is_needed(
    node: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/brokers.md").read_text()
    (rights,) = re.findall(r"set_permissions -p shop shop '(.*)' '(.*)' '(.*)'", page)
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 60.0)
    node.ctl("add_vhost", "shop")
    node.ctl("add_user", "shop", "password")
    node.ctl("set_permissions", "-p", "shop", "shop", *rights)
    pushed = [hint() for _ in range(9)]

    broker = kombu_broker(f"amqp://shop:password@127.0.0.1:{node.port}/shop", "n")

    assert broker.push(pushed) == 9
    assert broker.depths(["default"]) == {"default": 9}
    assert set(pop_all(broker, count=9)) == set(ids_of(pushed))
