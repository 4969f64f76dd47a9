"""The servers of a test run, started when a test first needs one (a pytest plugin).

Valkey and PostgreSQL come from wheels and are never absent. MariaDB, RabbitMQ and a Redis of
the system are used where they answer. Django reads its settings before a server is started:
where each will be is said before, in the environment.

The fixture `servers` starts them, and so does every test of a database. With pytest-xdist the
controller starts them, since it outlives the processes that run the tests.
"""

import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from djtasks.testing.servers import Server, start_postgres, start_valkey
from tests.quick import QUICK

MARIADB_URL = os.environ.get("DJTASKS_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test")
SYSTEM_REDIS_URL = os.environ.get("DJTASKS_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

# What every run pays for, the shortest too. Hypothesis takes as long to look for plugins, of which
# there are none, as to be imported; and what is imported here stays, it is no garbage.
os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
gc.disable()

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


@cache
def mariadb_url() -> str:
    """Return where MariaDB is, or nothing when it cannot be used here."""
    url = os.environ["DJTASKS_TEST_MARIADB"]
    if not url:
        return ""
    import pymysql

    parts = urlsplit(url)
    try:
        pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username or "root",
            password=parts.password or "",
        ).close()
    except pymysql.Error:
        return ""
    return url


def is_worker() -> bool:
    """Return whether this is a process of pytest-xdist that another has started servers for."""
    return "PYTEST_XDIST_WORKER" in os.environ


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Say where the servers of this run will be."""
    if is_worker():
        return
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    folder.chmod(0o755)
    _folders.append(folder)
    (folder / "files").mkdir()
    os.environ |= {
        "DJTASKS_TEST_VALKEY": f"unix://{folder / 'valkey' / 'valkey.sock'}",
        "DJTASKS_TEST_POSTGRES": str(folder / "postgres"),
        "DJTASKS_TEST_FOLDER": str(folder / "files"),
        "DJTASKS_TEST_POOLER": _pooler(folder),
        "DJTASKS_TEST_MARIADB": MARIADB_URL if not QUICK and answers(MARIADB_URL) else "",
    }


def pytest_sessionstart() -> None:
    """Collect garbage from now on."""
    gc.freeze()
    gc.enable()


def _pooler(folder: Path) -> str:
    """Return where a pgbouncer will be, if this run goes through one, or nothing."""
    return str(folder / "pooler") if os.environ.get("DJTASKS_TEST_PGBOUNCER") else ""


def start_servers() -> None:
    """Start the servers of this run where they were said to be, once."""
    if _started or QUICK:
        return
    (folder,) = _folders
    for name in ("valkey", "postgres"):
        (folder / name).mkdir()
    _started.append(start_valkey(folder / "valkey", "--databases", "64"))
    _started.append(start_postgres(folder / "postgres"))
    if os.environ["DJTASKS_TEST_POOLER"]:
        from tests.pgbouncer import start_pgbouncer

        (folder / "pooler").mkdir()
        _started.append(start_pgbouncer(folder / "pooler", folder / "postgres"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Start the servers before the processes that may need them."""
    start_servers()


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    while _started:
        _started.pop().stop()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> None:
    """The Valkey and the PostgreSQL of this run; a test of a database need not ask for them."""
    if not is_worker():
        start_servers()


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey for one test, which may flush or kill it."""
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    server = start_valkey(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
