"""DATABASE_URL as an entry of DATABASES; PostgreSQL, MySQL or MariaDB, and SQLite."""

from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_EXAMPLES = (
    "postgres://user:password@host:5432/name, mysql://user:password@host:3306/name "
    "or sqlite:////folder/file.sqlite3"
)
_SERVERS = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
}

# Many writers at once: readers never wait (WAL), and writers queue up instead of failing.
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}


def parse_database_url(url: str) -> dict[str, Any]:
    """Return the DATABASES entry for a URL.

    `host` and `port` in the query win over those in front of it, since a folder with a unix
    socket fits nowhere else; what else the query has goes to OPTIONS. Raises
    ImproperlyConfigured, without the password, for a URL that is none of these.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # What urllib says may have a piece of the password in it.
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read. Use {_EXAMPLES}, with special characters in names "
            f"and passwords percent-encoded."
        ) from None
    if parts.scheme == "sqlite":
        return _sqlite(parts)
    if parts.scheme not in _SERVERS:
        raise ImproperlyConfigured(
            f"DATABASE_URL starts with {parts.scheme + '://' if parts.scheme else 'no scheme'!r}. "
            f"Use {_EXAMPLES}."
        )
    return _server(parts, port)


def _server(parts: SplitResult, port: int | None) -> dict[str, Any]:
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name:
        raise ImproperlyConfigured(
            f"DATABASE_URL must name one database after the host, got {name!r}. Use {_EXAMPLES}."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": _SERVERS[parts.scheme],
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(port or "")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": name,
        "OPTIONS": options,
    }


def _sqlite(parts: SplitResult) -> dict[str, Any]:
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or path in ("", ":memory:"):
        raise ImproperlyConfigured(
            "DATABASE_URL must name a file for SQLite, since several processes share it: "
            "sqlite:////folder/file.sqlite3 (four slashes) or sqlite:///file.sqlite3."
        )
    return sqlite_database(path)


def sqlite_database(path: str) -> dict[str, Any]:
    """Return the DATABASES entry for an SQLite file that several processes write to."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": dict(_SQLITE_OPTIONS),
    }
