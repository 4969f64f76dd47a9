"""The connections inside a worker process."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import Error, OperationalError, connection, connections, transaction

from djtasks.models import Lease
from djtasks.store import sessions
from tests.brokers.rude import rude_server
from tests.conftest import require
from tests.pgbouncer import needs_a_session
from tests.store.connections import elsewhere

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def asked(alias: str, *questions: str) -> list[Any]:
    """Return what an engine session of `alias` answers."""

    def ask() -> list[Any]:
        sessions.use_engine_connection(alias)
        answers = []
        with connections[alias].cursor() as cursor:
            for question in questions:
                cursor.execute(question)
                answers.append(cursor.fetchone()[0])
        return answers

    return elsewhere(ask).result(30)


@pytest.fixture
def changing() -> Iterator[Callable[..., None]]:
    """Change DATABASES[alias] for a test, whose threads see it when they connect."""
    databases: Any = connections.settings
    before = {alias: dict(settings) for alias, settings in databases.items()}
    yield lambda alias="default", **changes: databases[alias].update(changes)
    for alias, settings in before.items():
        databases[alias].clear()
        databases[alias].update(settings)


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_a_session_of_the_engine_on_postgresql_waits_for_nothing_for_ever() -> None:
    answers = asked(
        "default",
        "SHOW statement_timeout",
        "SHOW lock_timeout",
        "SHOW idle_in_transaction_session_timeout",
        "SHOW default_transaction_isolation",
        "SHOW enable_seqscan",
    )

    assert answers == ["20s", "5s", "10s", "read committed", "off"]


def test_a_session_of_the_engine_on_mariadb_waits_for_nothing_for_ever() -> None:
    answers = asked(
        require("mariadb"),
        "SELECT @@innodb_lock_wait_timeout",
        "SELECT @@idle_transaction_timeout",
        "SELECT @@tx_isolation",
    )

    assert answers == [5, 10, "READ-COMMITTED"]


def test_a_session_of_the_engine_on_sqlite_is_patient() -> None:
    assert asked("sqlite", "PRAGMA busy_timeout") == [20_000]


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_options_of_the_project_stay(changing: Callable[..., None]) -> None:
    changing(OPTIONS={"options": "-c work_mem=8MB", "connect_timeout": 3})

    assert asked("default", "SHOW work_mem", "SHOW lock_timeout") == ["8MB", "5s"]


@pytest.mark.parametrize(
    "command",
    [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET NAMES utf8mb4",
        "SET sql_mode='STRICT_ALL_TABLES';",
        "SELECT 1",
    ],
)
def test_the_engine_connects_with_any_init_command(
    changing: Callable[..., None], command: str
) -> None:
    alias = require("mariadb")
    given = connections[alias].settings_dict["OPTIONS"]
    changing(alias, OPTIONS={**given, "init_command": command})

    assert asked(alias, "SELECT @@innodb_lock_wait_timeout") == [5]


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_the_engine_keeps_what_the_environment_says_to_libpq(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=7MB")

    assert asked("default", "SHOW work_mem", "SHOW lock_timeout") == ["7MB", "5s"]


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_a_session_of_the_engine_that_cannot_be_set_up_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sessions._SETUP, "postgresql", "SELECT set_config('unheard_of', '', false)")

    def connect_twice() -> list[bool]:
        sessions.use_engine_connection("default")
        usable = []
        for _ in range(2):
            with suppress(Error):
                connection.ensure_connection()
            usable.append(connection.connection is not None)
        return usable

    assert elsewhere(connect_twice).result(30) == [False, False]


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_behind_pgbouncer_nothing_is_set(changing: Callable[..., None]) -> None:
    changing(DISABLE_SERVER_SIDE_CURSORS=True)

    assert asked("default", "SHOW statement_timeout", "SHOW enable_seqscan") == ["0", "on"]


def test_the_engine_leaves_the_settings_of_others_alone() -> None:
    asked("default", "SELECT 1")

    assert "options" not in connections["default"].settings_dict["OPTIONS"]


def test_a_transaction_that_a_task_left_open_is_rolled_back() -> None:
    def task() -> bool:
        atomic = transaction.atomic()
        atomic.__enter__()
        Lease.objects.create(name="left", holder="00000000-0000-0000-0000-000000000001")
        sessions.close_after_task()
        return connection.in_atomic_block

    assert elsewhere(task).result(30) is False
    assert not Lease.objects.exists()


def test_a_task_that_left_manual_mode_on_is_rolled_back() -> None:
    def task() -> bool:
        transaction.set_autocommit(False)
        Lease.objects.create(name="left", holder="00000000-0000-0000-0000-000000000001")
        sessions.close_after_task()
        return transaction.get_autocommit()

    assert elsewhere(task).result(30) is True
    assert not Lease.objects.exists()


def test_a_connection_that_django_did_not_tell_of_is_replaced_after_a_failure() -> None:
    def task() -> list[bool]:
        connection.ensure_connection()
        sessions._opened.connections.clear()
        connection.connection.close()
        with suppress(Error):
            Lease.objects.exists()
        usable = []
        for went_well in (True, False):
            sessions.close_after_task(went_well=went_well)
            usable.append(connection.connection is None)
        return usable

    assert elsewhere(task).result(30) == [False, True]


def test_a_connection_outlives_a_task(changing: Callable[..., None]) -> None:
    changing(CONN_MAX_AGE=60)

    def tasks() -> bool:
        connection.ensure_connection()
        first = connection.connection
        sessions.close_after_task()
        connection.ensure_connection()
        return connection.connection is first

    assert elsewhere(tasks).result(30) is True


def test_a_project_without_persistent_connections_gets_them(changing: Callable[..., None]) -> None:
    changing(CONN_MAX_AGE=0, CONN_HEALTH_CHECKS=False)

    def prepared() -> tuple[Any, Any]:
        sessions.prepare_process()
        settings = connections["default"].settings_dict
        return settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"]

    assert elsewhere(prepared).result(30) == (60, True)


@pytest.mark.parametrize("chosen", [{"CONN_MAX_AGE": 7}, {"OPTIONS": {"pool": True}}], ids=str)
def test_what_the_project_chose_for_its_connections_stays(
    changing: Callable[..., None], chosen: dict[str, Any]
) -> None:
    changing(**{"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, **chosen})

    def prepared() -> tuple[Any, Any]:
        sessions.prepare_process()
        settings = connections["default"].settings_dict
        return settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"]

    assert elsewhere(prepared).result(30) == (chosen.get("CONN_MAX_AGE", 0), False)


@contextmanager
def postgres_without_tls() -> Iterator[str]:
    """Play a PostgreSQL that refuses TLS, by its protocol; it is asked nothing else."""

    def refuse(connection: socket.socket, _over: threading.Event) -> None:
        while connection.recv(8):
            connection.sendall(b"N")

    with rude_server(refuse) as server:
        yield str(server.port)


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_the_tls_that_a_project_asks_for_is_asked_for_by_the_engine_too(
    mode: str, changing: Callable[..., None]
) -> None:
    with postgres_without_tls() as port:
        changing(HOST="127.0.0.1", PORT=port, OPTIONS={"sslmode": mode})

        with pytest.raises(OperationalError, match="server does not support SSL"):
            asked("default", "SELECT 1")
