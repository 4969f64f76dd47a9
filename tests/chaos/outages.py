"""A database that is away, each in the way that it can be: killed, cut off, or locked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from tests.chaos.homes import FileHome, PostgresHome
from tests.chaos.proxy import Mode
from tests.chaos.site import ALIAS, Site

LOST = "lost the database"


def reached(site: Site) -> dict[str, Any]:
    """Return how workers must reach the database so that `away` can take it from them."""
    if isinstance(site.home, PostgresHome | FileHome):
        return {}
    return {"database": site.database_proxy()}


@contextmanager
def away(site: Site) -> Iterator[None]:
    """Keep the database from every worker during the block.

    PostgreSQL is killed (`-m immediate`) and started again, MariaDB, a service that is not
    ours, is cut off by its proxy, and in SQLite somebody holds the one write lock.
    """
    site.say("the database is away")
    if isinstance(site.home, PostgresHome):
        connections[ALIAS].close()
        site.home.kill()
        try:
            yield
        finally:
            site.home.start()
    elif isinstance(site.home, FileHome):
        with locked_file():
            yield
    else:
        (proxy,) = site.proxies
        proxy.switch(Mode.REFUSE)
        try:
            yield
        finally:
            proxy.switch(Mode.PASS)
    site.say("the database is back")


@contextmanager
def locked_file() -> Iterator[None]:
    """Hold SQLite's write lock: the file can be read, and not written."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """Let every session of a PostgreSQL database read and not write, as on a standby."""
    _make_read_only(site, "on")
    try:
        yield
    finally:
        _make_read_only(site, "off")


def _make_read_only(site: Site, on: str) -> None:
    import psycopg

    assert isinstance(site.home, PostgresHome)
    name = site.database["NAME"]
    connections[ALIAS].close()
    with psycopg.connect(site.home.server.url, autocommit=True) as session:
        session.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {on}")
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    site.say(f"read-only: {on}")
