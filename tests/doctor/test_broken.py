"""A doctor finds what is broken, says so in one line, and what to do about it.

The servers are real and really broken, but for two that cannot be had: a Redis 6 is played by a
server that says so over its protocol, and a clock that is wrong is that of this host.
"""

import re
import shutil
import socket
import sqlite3
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.management import call_command, get_commands
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from djtasks.doctor import Level
from djtasks.testing.servers import start_valkey
from tests import settings
from tests.brokers.rude import rude_server
from tests.conftest import require
from tests.doctor.conftest import complaints, serve
from tests.pgbouncer import needs_a_session
from tests.routing import Home
from tests.store.connections import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
on_others = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.mark.usefixtures("served")
def test_a_healthy_installation_has_nothing_to_complain_about():
    assert complaints() == {}


@pytest.mark.usefixtures("servers")
def test_a_transaction_that_somebody_forgot(served, monkeypatch):
    from djtasks.doctor import database

    forgotten = connections["default"].copy()
    with forgotten.cursor() as cursor:
        cursor.execute("SET application_name = 'report'")
        cursor.execute("BEGIN")
    assert complaints() == {}
    monkeypatch.setattr(database, "LONGEST_TRANSACTION", timedelta(0))

    found = complaints()
    forgotten.close()

    assert (
        "(report, idle in transaction) has been in one transaction for"
        in found["long-transaction"].text
    )
    assert "pg_terminate_backend(" in found["long-transaction"].remedy


@pytest.mark.usefixtures("servers")
def test_a_wrong_password_of_redis(served, redis_at):
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    server = start_valkey(folder)
    redis_at(server.url)
    caches["tasks"].client.get_client().config_set("requirepass", "right")
    caches["tasks"].client.get_client().connection_pool.disconnect()
    redis_at(server.url.replace("unix://", "unix://:wrong@"))

    found = complaints()

    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert "rejects the user or password" in found["password"].text
    assert "LOCATION (redis://USER:PASSWORD@HOST:PORT/0)" in found["password"].remedy


@on_others
def test_a_wrong_password_of_a_database(served, changing):
    alias = require("mariadb")
    changing(alias, USER="nobody-of-ours", PASSWORD="wrong")

    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        found = complaints()

    assert "Access denied" in found["password"].text
    assert found["password"].remedy == "Correct USER and PASSWORD of DATABASES['mariadb']."


def test_a_redis_that_evicts(served, own_valkey, redis_at):
    redis_at(own_valkey.url)
    caches["tasks"].client.get_client().config_set("maxmemory-policy", "allkeys-lru")

    assert "Set maxmemory-policy to noeviction" in complaints()["eviction"].remedy


INFO = b"redis_version:6.2.14\r\nused_memory:1\r\nmaxmemory:0\r\n"
ANSWERS = {
    b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n",
    b"INFO": b"$%d\r\n%s\r\n" % (len(INFO), INFO),
    b"CONFIG": b"-ERR unknown command\r\n",
    b"BZMPOP": b"-ERR unknown command\r\n",
}


def as_old_redis(connection: socket.socket, _over: threading.Event) -> None:
    """Answer as a Redis 6.2 does, which has no BZMPOP."""
    while asked := connection.recv(65_536):
        for command in re.split(rb"\*\d+\r\n", asked)[1:]:
            name = command.split(b"\r\n")[1].upper()
            connection.sendall(ANSWERS.get(name, b"+OK\r\n"))


@pytest.mark.usefixtures("servers")
def test_a_redis_that_is_too_old(served, redis_at):
    with rude_server(as_old_redis) as server:
        redis_at(f"redis://127.0.0.1:{server.port}/0")

        found = complaints()

        assert found["too-old"].text == "Redis 6.2.14 has no BZMPOP."
        assert found["too-old"].remedy == "Use Redis 7.0 or newer, or Valkey 7.2 or newer."


@pytest.mark.parametrize(("ahead", "words"), [(1, "behind"), (-1, "ahead of")])
def test_clocks_that_disagree(served, ahead, words):
    found = complaints(clock=lambda: timezone.now() + ahead * timedelta(seconds=90))

    assert f"is 1 min 29 s {words} this host's." in found["clock"].text.replace("30 s", "29 s")
    assert "NTP" in found["clock"].remedy


def test_clocks_that_agree_well_enough(served):
    assert complaints(clock=lambda: timezone.now() + timedelta(seconds=0.5)) == {}


@pytest.fixture
def own_sqlite(changing, tmp_path):
    """Records in an SQLite file of its own, made with plain settings."""
    path = tmp_path / "own.sqlite3"
    sqlite3.connect(path).close()
    changing("sqlite", NAME=str(path))
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        yield path


@on_others
def test_migrations_that_were_not_applied(own_sqlite):
    found = complaints()

    assert "are not applied to 'sqlite': 0001_initial, " in found["migrations"].text
    assert found["migrations"].remedy == "Run: manage.py migrate djtasks --database sqlite"


@pytest.mark.usefixtures("servers")
def test_a_broker_that_does_not_answer(served, redis_at):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        redis_at(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")

        found = complaints()

    assert "does not answer" in found["unreachable"].text
    assert "Start it or correct its LOCATION." in found["unreachable"].remedy


@pytest.mark.usefixtures("servers")
def test_a_database_that_does_not_answer(changing):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        changing("default", HOST="127.0.0.1", PORT=str(closed.getsockname()[1]))

        found = complaints()

    assert list(found) == ["unreachable"]
    assert "correct HOST and PORT of DATABASES['default']" in found["unreachable"].remedy


def test_a_queue_that_nobody_serves(live_engine):
    serve(["default", "reports"])

    found = complaints()

    assert found["no-worker"].text == "No live worker serves queue 'mail'."
    assert (
        found["no-worker"].remedy
        == "Start one: manage.py runworker --backend default --queues mail"
    )


@pytest.mark.usefixtures("servers")
def test_a_pool_that_is_smaller_than_a_worker(served, changing):
    changing("default", OPTIONS={"pool": {"max_size": 2}})

    found = complaints()["djtasks.W003"]

    assert "has 2 connections, fewer than the 8 threads" in found.text
    assert "max_size" in found.remedy


@on_others
def test_an_sqlite_without_wal(own_sqlite, changing):
    changing("sqlite", OPTIONS={})
    elsewhere(call_command, "migrate", "djtasks", database="sqlite", verbosity=0).result(60)

    found = complaints()

    assert "PRAGMA journal_mode=WAL" in found["djtasks.W001"].remedy
    assert "journal mode is 'delete'" in found["no-wal"].text
    assert "local disk" in found["no-wal"].remedy


def test_a_runworker_of_another_app(served):
    apps = ["tests.shadow", *settings.INSTALLED_APPS]
    with override_settings(INSTALLED_APPS=apps):
        get_commands.cache_clear()
        found = complaints()["djtasks.W004"]
    get_commands.cache_clear()

    assert found.text == "The command `runworker` comes from 'tests.shadow', not from djtasks."
    assert "manage.py djtasks_worker" in found.remedy


@pytest.mark.usefixtures("servers")
@needs_a_session
def test_a_postgresql_that_is_read_only(served, changing):
    changing("default", OPTIONS={"options": "-c default_transaction_read_only=on"})

    found = complaints()

    assert list(found) == ["read-only"]
    assert "read-only transaction" in found["read-only"].text
    assert "not to a replica" in found["read-only"].remedy


@on_others
def test_an_sqlite_that_is_read_only(served, changing):
    path = connections["sqlite"].settings_dict["NAME"]
    options = connections["sqlite"].settings_dict["OPTIONS"]
    changing("sqlite", NAME=f"file:{path}?mode=ro", OPTIONS=options | {"uri": True})

    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        found = complaints()

    assert "readonly database" in found["read-only"].text


def test_a_redis_that_is_full(served, own_valkey, redis_at):
    redis_at(own_valkey.url)
    caches["tasks"].client.get_client().config_set("maxmemory", "100kb")

    found = complaints()["full"]

    assert found.text.startswith("Redis is full: ")
    assert "Raise maxmemory" in found.remedy


def test_an_index_that_holds_as_much_as_it_may(served, monkeypatch):
    monkeypatch.setattr("djtasks.doctor.broker.FULL_INDEX", 0)

    found = complaints()["full-index"]

    assert "is full: 0 ids." in found.text
    assert found.level is Level.WARN


@pytest.mark.usefixtures("servers")
@on_others
def test_a_table_whose_character_set_lacks_emoji():
    alias = require("mariadb")
    column = (
        "ALTER TABLE djtasks_failuregroup MODIFY message varchar(500) CHARACTER SET {} NOT NULL"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(column.format("utf8mb3"))
    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        found = complaints()
    with connections[alias].cursor() as cursor:
        cursor.execute(column.format("utf8mb4"))

    assert "djtasks_failuregroup stores texts in utf8mb3" in found["charset"].text
    assert "CONVERT TO CHARACTER SET utf8mb4" in found["charset"].remedy
