"""The servers of a test run, started before Django reads its settings (a pytest plugin).

Valkey and PostgreSQL come from wheels and are never absent. MariaDB, RabbitMQ and a Redis of
the system are used where they answer. With pytest-xdist the controller starts them and hands
their addresses down in the environment.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from djtasks.testing.servers import Server, start_postgres, start_valkey

MARIADB_URL = os.environ.get("DJTASKS_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test")
SYSTEM_REDIS_URL = os.environ.get("DJTASKS_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

_started: list[Server] = []
_folders: list[Path] = []


def answers(url: str) -> bool:
    """Return whether something accepts connections at the host and port of `url`."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=1):
            return True
    except OSError:
        return False


def _pooler(folder: Path, postgres: Path) -> str:
    """Return where a pgbouncer is, if this run goes through one, or nothing."""
    if not os.environ.get("DJTASKS_TEST_PGBOUNCER"):
        return ""
    from tests.pgbouncer import start_pgbouncer

    folder.mkdir()
    _started.append(start_pgbouncer(folder, postgres))
    return str(folder)


def _mariadb_url() -> str:
    """Return where MariaDB is, or nothing when it cannot be used here."""
    if not answers(MARIADB_URL):
        return ""
    import pymysql

    parts = urlsplit(MARIADB_URL)
    try:
        pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username or "root",
            password=parts.password or "",
        ).close()
    except pymysql.Error:
        return ""
    return MARIADB_URL


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start the servers, once a run."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    folder.chmod(0o755)
    _folders.append(folder)
    places = {name: folder / name for name in ("valkey", "postgres", "files")}
    for place in places.values():
        place.mkdir()
    valkey = start_valkey(places["valkey"], "--databases", "64")
    _started.append(valkey)
    _started.append(start_postgres(places["postgres"]))
    os.environ |= {
        "DJTASKS_TEST_VALKEY": valkey.url.split("?")[0],
        "DJTASKS_TEST_POSTGRES": str(places["postgres"]),
        "DJTASKS_TEST_FOLDER": str(places["files"]),
        "DJTASKS_TEST_POOLER": _pooler(folder / "pooler", places["postgres"]),
        "DJTASKS_TEST_MARIADB": _mariadb_url(),
    }


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    while _started:
        _started.pop().stop()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey for one test, which may flush or kill it."""
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    server = start_valkey(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
