"""A producer and a broker that is away, full or broken: the producer goes on."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.test import override_settings

from djtasks.engine import Engine, engine_of
from djtasks.enqueueing import outbox
from djtasks.models import TaskRecord
from tests.carriers import Recording, with_broker
from tests.pgbouncer import needs_a_session
from tests.routing import Home
from tests.settings import CACHES
from tests.tasks import add
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def carrier() -> Iterator[Recording]:
    """Let TASKS["default"] push to a broker that fails when told to."""
    with with_broker():
        made: Any = engine_of("default").broker
        yield made


@pytest.fixture
def short_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BREAKER_SECONDS", 0.05)


@contextmanager
def redis_at(port: int) -> Iterator[None]:
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = f"redis://127.0.0.1:{port}/0"
    with override_settings(CACHES=changed):
        yield


@contextmanager
def a_port_that_refuses() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


@contextmanager
def a_port_that_never_answers() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def a_port_that_never_accepts() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


def seconds_to_enqueue() -> float:
    started = time.monotonic()
    add.enqueue(1, 2)
    return time.monotonic() - started


@pytest.mark.parametrize(
    "an_outage",
    [a_port_that_refuses, a_port_that_never_answers, a_port_that_never_accepts],
)
def test_a_redis_that_is_away_costs_half_a_second_once(an_outage: Any) -> None:
    add.enqueue(1, 2)  # whatever is done once a process

    with an_outage() as port, redis_at(port):
        first = seconds_to_enqueue()
        rest = [seconds_to_enqueue() for _ in range(20)]

    assert first < 0.8
    assert sum(rest) < 0.4
    assert TaskRecord.objects.count() == 22


def test_a_commit_does_not_fail_with_redis() -> None:
    with a_port_that_never_answers() as port, redis_at(port), transaction.atomic():
        add.enqueue(1, 2)

    assert TaskRecord.objects.exists()


def test_an_outage_is_told_once_and_not_for_every_task(
    carrier: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.break_down()

    with caplog.at_level(logging.WARNING, "djtasks.outbox"):
        for _ in range(5):
            add.enqueue(1, 2)

    (warning,) = [record for record in caplog.records if record.name == "djtasks.outbox"]
    assert "Broker unavailable" in warning.getMessage()
    assert "broken for a test" in warning.getMessage()


def test_while_the_breaker_is_open_nobody_asks_the_broker(carrier: Recording) -> None:
    carrier.break_down()

    for _ in range(5):
        add.enqueue(1, 2)

    assert len(carrier.pushes) == 1


@pytest.mark.usefixtures("short_breaker")
def test_a_broker_that_is_back_is_used_again(carrier: Recording) -> None:
    carrier.break_down()
    add.enqueue(1, 2)
    carrier.error = None

    eventually(lambda: add.enqueue(1, 2) and len(carrier.pushes) > 1)
    before = len(carrier.pushes)
    add.enqueue(1, 2)
    add.enqueue(1, 2)

    assert len(carrier.pushes) == before + 2


def test_one_caller_probes_a_broken_broker_while_the_others_go_on(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BREAKER_SECONDS", 60)
    carrier.break_down()
    add.enqueue(1, 2)
    engine_of("default").outbox._closed_until = time.monotonic()
    carrier.entered.clear()
    carrier.may_leave.clear()

    def probe() -> None:
        add.enqueue(1, 2)
        connections.close_all()

    prober = threading.Thread(target=probe)
    prober.start()
    assert carrier.entered.wait(30)
    others = [seconds_to_enqueue() for _ in range(3)]
    carrier.may_leave.set()
    prober.join()

    assert sum(others) < 10
    assert len(carrier.pushes) == 2


def test_a_bug_of_a_broker_is_logged_and_not_raised(
    carrier: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.error = ZeroDivisionError("a bug")

    with caplog.at_level(logging.ERROR, "djtasks.outbox"), transaction.atomic():
        result = add.enqueue(1, 2)

    assert add.get_result(result.id)
    (error,) = [record for record in caplog.records if record.name == "djtasks.outbox"]
    assert error.getMessage() == "Hints not pushed count=1"
    assert error.exc_info


def test_a_full_index_is_left_alone_for_a_while(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MUTE_SECONDS", 60)
    carrier.depth = outbox.FULL_INDEX

    add.enqueue_many([(1, 2)] * 1_000)
    add.enqueue(1, 2)
    add.using(queue_name="mail").enqueue(1, 2)

    assert [len(hints) for hints in carrier.pushes] == [1_000, 1]
    assert carrier.pushes[1][0].queue == "mail"


def test_an_index_that_is_not_full_is_not_left_alone(carrier: Recording) -> None:
    carrier.depth = outbox.FULL_INDEX - 1

    add.enqueue_many([(1, 2)] * 1_000)
    add.enqueue(1, 2)

    assert len(carrier.pushes) == 2


def test_a_full_index_is_filled_again_after_that_while(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MUTE_SECONDS", 0)
    carrier.depth = outbox.FULL_INDEX

    add.enqueue_many([(1, 2)] * 1_000)
    add.enqueue(1, 2)

    assert len(carrier.pushes) == 2


@pytest.fixture
def listener() -> Iterator[Any]:
    """A connection that hears what workers of TASKS["polled"] would be told."""
    engine = engine_of("polled")
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        dbname=settings["NAME"],
        autocommit=True,
    ) as made:
        made.execute(f"LISTEN {engine.channel}")
        yield made


def heard(listener: Any, count: int) -> list[str]:
    return [news.payload for news in listener.notifies(timeout=10, stop_after=count)]


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_without_a_broker_waiting_workers_are_woken_after_the_commit(listener: Any) -> None:
    polled = add.using(backend="polled")

    with transaction.atomic():
        polled.enqueue(1, 2)
        polled.enqueue(3, 4)
        assert [*listener.notifies(timeout=0)] == []

    assert heard(listener, 1) == ["default"]
    assert [*listener.notifies(timeout=0)] == []


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_a_rolled_back_transaction_wakes_nobody(listener: Any) -> None:
    polled = add.using(backend="polled")

    with transaction.atomic():
        polled.enqueue(1, 2)
        transaction.set_rollback(True)
    polled.enqueue(3, 4)

    assert heard(listener, 1) == ["default"]
    assert [*listener.notifies(timeout=0)] == []


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_database_without_notify_is_polled() -> None:
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        result = add.using(backend="polled").enqueue(1, 2)

        assert add.get_result(result.id)


@pytest.mark.usefixtures("servers")
def test_workers_that_cannot_be_woken_poll(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine = engine_of("polled")
    monkeypatch.setitem(engine.__dict__, "channel", "x" * 8_001)

    with caplog.at_level(logging.WARNING, "djtasks.outbox"):
        result = add.using(backend="polled").enqueue(1, 2)

    assert add.get_result(result.id)
    assert "Workers not notified, they poll" in caplog.text


def test_a_broker_that_answers_slowly_is_not_asked_how_full_it_is(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_PROMPT_SECONDS", 0.0)
    carrier.depth = outbox.FULL_INDEX
    add.enqueue_many([(1, 1)] * 1_000)

    add.enqueue(1, 2)

    assert [len(pushed) for pushed in carrier.pushes] == [1_000, 1]
