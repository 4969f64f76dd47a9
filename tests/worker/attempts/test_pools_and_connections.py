"""What slots do about connections that die, age or are interrupted, between two tasks."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from djtasks import task
from djtasks.errors import TaskTimeout
from djtasks.store import sessions
from djtasks.worker.attempts import pools
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.pools import AsyncPool, ThreadPool
from djtasks.worker.attempts.running import ThreadGate
from djtasks.worker.attempts.time_limits import Limits
from tests.models import Row
from tests.waiting import eventually
from tests.worker.making import WORKER, work_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("servers"),
]


@pytest.fixture
def done() -> list[Finished]:
    return []


@pytest.fixture
def parts(done: list[Finished]) -> dict[str, Any]:
    return {
        "pipeline": Pipeline(store=None, worker=WORKER),  # type: ignore[arg-type]
        "limits": Limits(print),
        "done": done.append,
        "board": Board(bytearray(Board.size(2))),
    }


@pytest.fixture
def coroutines(parts: dict[str, Any]) -> Iterator[AsyncPool]:
    pool = AsyncPool(range(2), **parts)
    pool.start()
    yield pool
    pool.stop()
    pool.join(30)


@task
async def asks_async() -> bool:
    return await Row.objects.aexists()


@task
async def asks_async_quietly() -> bool:
    try:
        return await Row.objects.aexists()
    except Exception:  # noqa: BLE001 - as careless tasks do
        return False


@task
def count() -> int:
    return Row.objects.count()


@task
def interrupts_itself() -> int:
    """Leave a query in the middle of its answer, as an interrupt does, and be interrupted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.connection.pgconn.send_query(b"SELECT 1")
    gate = gates[threading.get_ident()]
    gate.throw(TaskTimeout)
    for _ in range(1000):
        pass
    return 0


@task
def sets_tenant() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET app.tenant = '7'")


@task
def tenant() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant', true)")
        found: str | None = cursor.fetchone()[0]
    return found


@task
async def sets_tenant_async() -> None:
    await sync_to_async(sets_tenant.func)()


@task
async def tenant_async() -> str | None:
    found: str | None = await sync_to_async(tenant.func)()
    return found


gates: dict[int, ThreadGate] = {}


def end_other_sessions() -> None:
    """End all sessions of this database but this thread's, as an administrator does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )


def path(function: str) -> str:
    return f"{__name__}.{function}"


@pytest.fixture
def old_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep connections for long and without health checks, as a project may choose to."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 600)
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", False)


def run(pool: AsyncPool, done: list[Finished], function: str) -> Finished:
    number = len(done)
    pool.submit(work_of(path(function)))
    eventually(lambda: len(done) > number)
    return done[number]


@pytest.mark.usefixtures("old_age")
@pytest.mark.parametrize("victim", ["asks_async", "asks_async_quietly"])
def test_the_coroutine_after_a_broken_connection_connects(
    coroutines: AsyncPool, done: list[Finished], victim: str
) -> None:
    run(coroutines, done, "asks_async")
    eventually(lambda: coroutines._opened)
    end_other_sessions()

    run(coroutines, done, victim)

    assert run(coroutines, done, "asks_async").error is None


@pytest.mark.usefixtures("old_age")
def test_a_connection_that_aged_while_no_coroutine_ran_is_replaced_before_the_next(
    coroutines: AsyncPool, done: list[Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_IDLE_SECONDS", -1.0)
    run(coroutines, done, "asks_async")
    eventually(lambda: coroutines._opened)
    (shared,) = coroutines._opened or ()
    end_other_sessions()
    shared.close_at = 0.0

    assert run(coroutines, done, "asks_async").error is None


@pytest.mark.usefixtures("old_age")
def test_a_connection_that_aged_while_a_slot_had_no_task_is_replaced_before_the_next(
    parts: dict[str, Any], done: list[Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_IDLE_SECONDS", -1.0)
    pool = ThreadPool(range(1), **parts)

    def slot() -> None:
        gate = ThreadGate()
        pool.run(work_of(path("count")), gate, 0)
        aged.set()
        connection.close_at = 0.0
        assert ended.wait(30)
        pool.run(work_of(path("count")), gate, 0)
        connections.close_all()

    aged, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=slot)
    thread.start()
    assert aged.wait(30)
    end_other_sessions()
    ended.set()
    thread.join()

    assert [finished.error for finished in done] == [None, None]


@pytest.mark.usefixtures("old_age")
@pytest.mark.parametrize("pooled", [False, True])
def test_the_task_after_an_interrupted_statement_has_another_connection(
    parts: dict[str, Any], done: list[Finished], pooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pooled:
        settings = connections.settings["default"]
        monkeypatch.setitem(settings, "CONN_MAX_AGE", 0)
        options = settings["OPTIONS"] | {"pool": {"min_size": 1, "max_size": 1, "timeout": 5}}
        monkeypatch.setitem(settings, "OPTIONS", options)
    pool = ThreadPool(range(1), **parts)

    def slot() -> None:
        gate = gates[threading.get_ident()] = ThreadGate()
        for function in ("interrupts_itself", "count"):
            pool.run(work_of(path(function)), gate, 0)
        connections.close_all()
        if pooled:
            connection.close_pool()  # type: ignore[attr-defined]

    thread = threading.Thread(target=slot)
    thread.start()
    thread.join(30)

    interrupted, following = done
    assert isinstance(interrupted.error, TaskTimeout)
    assert following.error is None


@pytest.fixture
def sessions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare the process for tasks that do not share sessions."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    sessions.prepare_process(reuse_connections=False)


@pytest.mark.usefixtures("sessions_of_their_own")
def test_without_reuse_a_task_does_not_see_the_session_of_another(
    parts: dict[str, Any], done: list[Finished]
) -> None:
    pool = ThreadPool(range(1), **parts)
    pool.start()

    for function in ("sets_tenant", "tenant") * 2:
        pool.submit(work_of(path(function)))
    eventually(lambda: len(done) == 4)

    assert [finished.settlement.value for finished in done] == [None] * 4


@pytest.mark.usefixtures("sessions_of_their_own")
def test_without_reuse_a_coroutine_does_not_see_the_session_of_an_earlier_one(
    coroutines: AsyncPool, done: list[Finished]
) -> None:
    values = [
        run(coroutines, done, function).settlement.value
        for function in ("sets_tenant_async", "tenant_async") * 2
    ]

    assert values == [None] * 4
