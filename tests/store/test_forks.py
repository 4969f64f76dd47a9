"""What a process that a task forks gets of our connections: none."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections

from djtasks.store import sessions
from tests.conftest import require
from tests.store.connections import elsewhere

pytestmark = [
    pytest.mark.django_db(databases="__all__", transaction=True),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.usefixtures("servers"),
]

SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


@pytest.fixture(autouse=True)
def settings_of_a_worker() -> Iterator[None]:
    """Prepare this process as a worker prepares its own, and take it back."""
    databases: Any = connections.settings
    before = {alias: dict(settings) for alias, settings in databases.items()}
    sessions.prepare_process()
    yield
    for alias, settings in before.items():
        databases[alias].clear()
        databases[alias].update(settings)


def session_of(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute(SESSION[connections[alias].vendor])
        return str(cursor.fetchone()[0])


def told_by_a_copy(question: Callable[[], object]) -> str:
    """Fork, and return what the copy answers; it leaves as multiprocessing's processes do."""
    ours, theirs = os.pipe()
    copy = os.fork()
    if copy == 0:
        try:
            os.write(theirs, str(question()).encode())
        except Exception as error:  # noqa: BLE001 - the test shows it
            os.write(theirs, repr(error).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        told = pipe.read()
    os.waitpid(copy, 0)
    return told


@contextmanager
def pooled(alias: str, options: dict[str, Any]) -> Iterator[None]:
    connections[alias].close()
    connections[alias].settings_dict["OPTIONS"] = options
    connections[alias].settings_dict["CONN_MAX_AGE"] = 0
    try:
        yield
    finally:
        connections[alias].close()
        if "pool" in options:
            connections[alias].close_pool()


@pytest.mark.parametrize("alias", ["default", "mariadb"])
def test_a_copy_has_a_session_of_its_own_and_leaves_ours_alone(alias: str) -> None:
    require(alias)

    def task() -> tuple[str, str, str]:
        return session_of(alias), told_by_a_copy(lambda: session_of(alias)), session_of(alias)

    before, copied, after = elsewhere(task).result(30)

    assert copied.isdigit()
    assert copied != before
    assert after == before


def test_a_copy_has_a_pool_of_its_own() -> None:
    def task() -> tuple[str, str, str]:
        with pooled("default", {"pool": {"min_size": 1, "max_size": 1, "timeout": 3}}):
            ours = session_of("default")
            connections["default"].close()
            return ours, told_by_a_copy(lambda: session_of("default")), session_of("default")

    before, copied, after = elsewhere(task).result(30)

    assert copied.isdigit()
    assert copied != before
    assert after == before


@pytest.mark.parametrize("alias", ["default", "mariadb"])
def test_a_copy_does_not_end_the_sessions_of_other_threads(alias: str) -> None:
    require(alias)
    connected, forked = threading.Event(), threading.Event()

    def other() -> tuple[str, str]:
        before = session_of(alias)
        connected.set()
        assert forked.wait(30)
        return before, session_of(alias)

    answers = elsewhere(other)
    assert connected.wait(30)
    elsewhere(lambda: told_by_a_copy(lambda: session_of(alias))).result(30)
    forked.set()

    before, after = answers.result(30)
    assert after == before


def test_a_copy_has_a_client_of_its_own_for_each_cache() -> None:
    def task() -> tuple[str, str]:
        ours = caches["tasks"]
        return str(id(ours)), told_by_a_copy(lambda: id(caches["tasks"]))

    ours, copied = elsewhere(task).result(30)

    assert copied.isdigit()
    assert copied != ours


def test_a_copy_has_the_connection_age_of_the_project() -> None:
    told = elsewhere(
        lambda: told_by_a_copy(lambda: connections["default"].settings_dict["CONN_MAX_AGE"])
    ).result(30)

    assert told == "0"
