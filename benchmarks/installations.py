"""The same 20,000 tasks over every kind of broker, two of them with an accident in the middle."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from benchmarks import drain, harness

COUNT = 20_000
PROCESSES = 2
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Site:
    """How to reach a broker, and what may happen to it."""

    options: dict[str, Any]
    cache: dict[str, Any] | None = None
    accident: Callable[[], object] | None = None


def measure(count: int = COUNT) -> list[dict[str, Any]]:
    """Print and return a line an installation; raise if a task is missing or ran twice."""
    return [one for name, opened in _INSTALLATIONS.items() for one in _run(name, opened, count)]


def _run(name: str, opened: Any, count: int) -> Iterator[dict[str, Any]]:
    try:
        with opened() as site, _settings(site) as environment:
            yield _emit(name, "none", count, once(environment, count))
            if site.accident is not None:
                figures = once(environment, count, accident=site.accident)
                yield _emit(name, site.accident.__name__, count, figures)
    except _Missing as missing:
        harness.emit("installation", broker=name, skipped=str(missing))


def _emit(name: str, accident: str, count: int, figures: dict[str, Any]) -> dict[str, Any]:
    line = {"broker": name, "accident": accident, "tasks": count, **figures}
    harness.emit("installation", **line)
    return line


def once(
    environment: dict[str, str], count: int, *, accident: Callable[[], object] | None = None
) -> dict[str, Any]:
    """Work off `count` tasks, with `accident` when half of them are done.

    With an accident each takes 3 ms, so that there is a middle for it to happen in.
    """
    from benchmarks.tasks import add, add_slowly
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    drain.empty()
    pause_queue(engine_of("default"), "default", by="benchmark")
    flags = ("--processes", str(PROCESSES), "--no-beat")
    with harness.worker(*flags, **environment) as worker:
        task = add_slowly if accident else add
        for start in range(0, count, _PAGE):
            task.enqueue_many((n, n + 1) for n in range(start, start + _PAGE))
        harness.begin_together(worker)
        left = []
        if accident:
            harness.wait_until(lambda: _left() <= count // 2)
            happening = threading.Thread(target=accident)
            happening.start()
            left.append(_left())
            happening.join()
        harness.wait_until(drain.is_done)
        # After an accident the broker must carry tasks again.
        harness.wait_until(_carries)
    return _verified(count) | ({"left_at_the_accident": left[0]} if left else {})


def _left() -> int:
    from djtasks.models import TaskRecord

    return TaskRecord.objects.filter(state=0).count()


def _carries() -> bool:
    from datetime import timedelta

    from djtasks.engine import engine_of
    from djtasks.errors import BrokerUnavailable
    from djtasks.formats.ids import new_id
    from djtasks.protocol.hints import Hint

    broker = engine_of("default").broker
    if broker is None:
        return True
    probe = Hint(new_id(), "a-queue-of-the-benchmark", 0)
    try:
        broker.push([probe])
        return probe.id in broker.pop([probe.queue], limit=9, wait=timedelta(seconds=1))
    except BrokerUnavailable:
        return False


def _verified(count: int) -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at)), count(*), "
            "count(*) FILTER (WHERE state = 2 AND return_value::int = "
            "(args->>0)::int + (args->>1)::int), count(*) FILTER (WHERE fence > 1) "
            "FROM djtasks_taskrecord"
        )
        seconds, records, right, again = cursor.fetchone()
    assert (records, right, again) == (count, count, 0), (records, right, again)
    return {"tasks_per_second": count / float(seconds), "lost": 0, "ran_twice": again}


@contextmanager
def _settings(site: Site) -> Iterator[dict[str, str]]:
    """Let this process use the broker; return by what a worker finds it."""
    from django.conf import settings
    from django.test import override_settings

    from djtasks.brokers import forget_brokers
    from djtasks.engine import forget_engines

    tasks, caches = deepcopy(settings.TASKS), deepcopy(settings.CACHES)
    options = {"imports": ["benchmarks.tasks"], **site.options}
    tasks["default"]["OPTIONS"] = options
    caches["default"] = site.cache or caches["default"]
    forget_engines()
    forget_brokers()
    with override_settings(TASKS=tasks, CACHES=deepcopy(caches)):
        yield {"BENCH_OPTIONS": json.dumps(options), "BENCH_CACHE": json.dumps(caches["default"])}


class _Missing(Exception):
    """A server program that is not installed here."""


_CACHED = {"cache": "default"}


@contextmanager
def _none() -> Iterator[Site]:
    yield Site({"broker": "database"})


@contextmanager
def _valkey() -> Iterator[Site]:
    from tests import installations

    with installations.alone() as cache:
        yield Site(_CACHED, cache)


@contextmanager
def _redis() -> Iterator[Site]:
    from tests import installations

    with installations.alone(_program()) as cache:
        yield Site(_CACHED, cache)


@contextmanager
def _guarded() -> Iterator[Site]:
    from tests import installations

    with installations.guarded(_program()) as cache:
        yield Site(_CACHED, cache)


def _program() -> str:
    from tests import installations

    if installations.REDIS is None:
        raise _Missing("redis-server is not installed")
    return installations.REDIS


@contextmanager
def _sentinel() -> Iterator[Site]:
    from tests import installations

    with installations.watched() as site:

        def failover() -> None:
            site.fail_over()

        yield Site(_CACHED, site.cache, failover)


@contextmanager
def _cluster() -> Iterator[Site]:
    from tests import installations

    with installations.cluster() as site:
        yield Site(_CACHED, site.cache)


@contextmanager
def _rabbitmq() -> Iterator[Site]:
    from tests import rabbit_node

    if rabbit_node.program() is None:
        raise _Missing("rabbitmq-server is not installed")
    with rabbit_node.rabbit_node() as node:

        def kill_and_restart() -> None:
            node.kill()
            node.start()

        yield Site({"broker": "kombu", "broker_url": node.url}, accident=kill_and_restart)


_INSTALLATIONS = {
    "none (the database)": _none,
    "Valkey": _valkey,
    "Redis": _redis,
    "Redis with TLS and ACL": _guarded,
    "Valkey Cluster of three": _cluster,
    "Valkey with Sentinel": _sentinel,
    "RabbitMQ": _rabbitmq,
}
