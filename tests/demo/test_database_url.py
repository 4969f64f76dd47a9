from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from demo_project.database_url import parse_database_url

POSTGRESQL = "django.db.backends.postgresql"
MYSQL = "django.db.backends.mysql"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://me:p%40ss@db.example:5433/shop?sslmode=require",
            {
                "ENGINE": POSTGRESQL,
                "HOST": "db.example",
                "PORT": "5433",
                "USER": "me",
                "PASSWORD": "p@ss",
                "NAME": "shop",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgresql://postgres@/postgres?host=/run/pg&port=5432",
            {"ENGINE": POSTGRESQL, "HOST": "/run/pg", "PORT": "5432", "OPTIONS": {}},
        ),
        ("postgres:///shop", {"ENGINE": POSTGRESQL, "HOST": "", "PORT": "", "NAME": "shop"}),
        ("mysql://root@127.0.0.1/shop", {"ENGINE": MYSQL, "PASSWORD": "", "NAME": "shop"}),
        ("mariadb://root@[::1]:3307/shop", {"ENGINE": MYSQL, "HOST": "::1", "PORT": "3307"}),
    ],
)
def test_a_url_names_a_server(url: str, expected: dict[str, Any]) -> None:
    entry = parse_database_url(url)

    assert {name: entry[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/demo.sqlite3", "/var/demo.sqlite3"),
        ("sqlite:///demo.sqlite3", "demo.sqlite3"),
        ("sqlite:////var/with%20space.sqlite3", "/var/with space.sqlite3"),
    ],
)
def test_an_sqlite_file_is_opened_for_many_writers(url: str, path: str) -> None:
    entry = parse_database_url(url)

    assert entry["NAME"] == path
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert entry["OPTIONS"]["timeout"] == 20
    assert "WAL" in entry["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle://me:secret@host/x", "starts with 'oracle://'. Use postgres://"),
        ("shop", "starts with 'no scheme'. Use"),
        ("postgres://me:secret@host", "must name one database after the host, got ''"),
        ("postgres://me:secret@host/a/b", "got 'a/b'"),
        ("postgres://me:secret@host:many/x", "cannot be read"),
        ("postgres://me:secret@[::1/x", "cannot be read"),
        ("postgres://me:secret/part@host/x", "percent-encoded"),
        ("sqlite:///", "must name a file for SQLite"),
        ("sqlite:///:memory:", "must name a file for SQLite"),
        ("sqlite://demo.sqlite3", "four slashes"),
    ],
)
def test_any_other_url_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_database_url(url)

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
