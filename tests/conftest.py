"""Fixtures that many tests share."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections
from django.test import override_settings
from hypothesis import settings
from pytest_django.plugin import DjangoDbBlocker

from djtasks.brokers import forget_brokers
from djtasks.context import current_task
from djtasks.engine import Engine, engine_of, forget_engines
from tests.quick import QUICK
from tests.routing import Home
from tests.servers import mariadb_url

# No deadline for one example: the machine may be busy.
settings.register_profile("djtasks", deadline=None, max_examples=50)
settings.load_profile("djtasks")

# Before anything imports them, so that their failures show what was compared.
pytest.register_assert_rewrite("djtasks.testing.broker_contract", "tests.store.contract")

DATABASES = ["default", "sqlite", "mariadb"]
# Seconds that a test may take which is not marked `slow`.
LONGEST = 5.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what `make test-all` is for to it."""
    if os.environ.get("DJTASKS_TEST_ALL"):
        return
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker(pytest.mark.skip(reason="`make test-all` runs it"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that should be made faster, or be marked. On a busy machine any may be."""
    for report in terminalreporter.getreports("passed"):
        if report.duration > LONGEST and "slow" not in report.keywords:
            terminalreporter.write_line(
                f"slower than {LONGEST:g} s and not marked slow: {report.nodeid} "
                f"({report.when} {report.duration:.1f} s)"
            )


def require(alias: str) -> str:
    """Return a DATABASES alias, or skip where its server is missing; CI has all of them."""
    if alias not in connections.settings:
        if not QUICK and os.environ.get("CI") == "true":
            pytest.fail(f"CI needs {alias}, which does not answer")
        pytest.skip(f"{alias} does not answer")
    return alias


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage of this process in tests that walk all pages, or wait for processes.

    It would take nearly as long as the pages themselves, and other tests cover their lines. The
    processes that such a test starts are measured.
    """
    here, in_threads = sys.gettrace(), threading.gettrace()
    if not any(item.get_closest_marker(name) for name in ("slow", "broad")):
        return (yield)
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(in_threads)
        sys.settrace(here)


@pytest.fixture(autouse=True)
def fresh_engines() -> Iterator[None]:
    """No test sees another's brokers, namespaces or broken breakers."""
    forget_engines()
    forget_brokers()
    yield
    forget_engines()
    forget_brokers()


@pytest.fixture(autouse=True)
def no_current_task() -> Iterator[None]:
    """Forget the task that a test has run in this thread, where workers have a context for each."""
    yield
    current_task.set(None)


@pytest.fixture
def engine(db: Any) -> Engine:
    """The parts behind TASKS["default"], on PostgreSQL and an empty Redis."""
    made = engine_of("default")
    flush_redis()
    return made


@pytest.fixture
def live_engine(transactional_db: Any) -> Engine:
    """The same for tests whose rows other connections must see."""
    made = engine_of("default")
    flush_redis()
    return made


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, db: Any) -> Iterator[str]:
    """Each database in turn as the home of the records.

    For tests marked `django_db(databases="__all__")`.
    """
    alias = require(request.param)
    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        yield alias


def flush_redis() -> None:
    """Empty this process's Redis database."""
    if QUICK:
        return
    cache: Any = caches["tasks"]
    cache.client.get_client().flushdb()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings: None
) -> None:
    """Give each process of a run databases of its own, SQLite's files included."""
    if not QUICK:
        request.getfixturevalue("servers")
    if not mariadb_url():
        connections.settings.pop("mariadb", None)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """A pooler keeps connections to a database, which cannot be dropped then; its server ends."""
    return django_db_keepdb or bool(os.environ.get("DJTASKS_TEST_POOLER"))


@pytest.fixture(scope="session", autouse=True)
def close_connections_at_the_end(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Leave no connection to be found by the garbage collector, which would warn."""
    yield
    with django_db_blocker.unblock():
        connections.close_all()
