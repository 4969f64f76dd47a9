"""Databases for a scenario: a PostgreSQL of its own that may be killed, a file, or a schema."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from djtasks.testing.servers import Server, start_postgres
from tests.chaos.proxy import Proxy

PORT = 5432


@dataclass
class PostgresHome:
    """A cluster in a data folder of its own; every scenario gets a new database in it."""

    folder: Path
    server: Server = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.start()

    def start(self) -> None:
        self.server = start_postgres(self.folder)

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        """Stop it as `pg_ctl -m immediate` does: no goodbye, recovery at the next start."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        self.server.guard.wait(30)
        self.server.stop()

    def create(self) -> dict[str, Any]:
        """Create an empty database; return its entry for DATABASES."""
        self.count += 1
        name = f"chaos_{self.count}"
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(self.folder),
            "PORT": str(PORT),
            "USER": "postgres",
            "NAME": name,
        }

    def drop(self, settings: dict[str, Any]) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {settings['NAME']} WITH (FORCE)")

    def proxy(self, *, seed: int = 0) -> Proxy:
        return Proxy(self.folder / f".s.PGSQL.{PORT}", seed=seed)


@dataclass
class MariaHome:
    """A service of the machine, which nobody stops; every scenario gets a schema in it."""

    url: str
    count: int = 0

    def create(self) -> dict[str, Any]:
        self.count += 1
        parts = urlsplit(self.url)
        settings = {
            "ENGINE": "tests.mariadb_by_pymysql",
            "HOST": parts.hostname,
            "PORT": str(parts.port or 3306),
            "USER": parts.username or "root",
            "PASSWORD": parts.password or "",
            "NAME": f"chaos_{os.getpid()}_{self.count}",
            "OPTIONS": {"charset": "utf8mb4"},
        }
        self._run(settings, f"CREATE DATABASE {settings['NAME']} CHARACTER SET utf8mb4")
        return settings

    def drop(self, settings: dict[str, Any]) -> None:
        self._run(settings, f"DROP DATABASE {settings['NAME']}")

    def _run(self, settings: dict[str, Any], statement: str) -> None:
        import pymysql

        connection = pymysql.connect(
            host=settings["HOST"],
            port=int(settings["PORT"]),
            user=settings["USER"],
            password=settings["PASSWORD"],
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def proxy(self, *, seed: int = 0) -> Proxy:
        parts = urlsplit(self.url)
        return Proxy((parts.hostname or "127.0.0.1", parts.port or 3306), seed=seed)

    def stop(self) -> None:
        """Leave the service alone."""


@dataclass
class FileHome:
    """SQLite: a file a scenario."""

    folder: Path
    count: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()

    def create(self) -> dict[str, Any]:
        self.count += 1
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self.folder / f"chaos-{self.count}.sqlite3"),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            },
        }

    def drop(self, settings: dict[str, Any]) -> None:
        for path in self.folder.glob(Path(settings["NAME"]).name + "*"):
            path.unlink()

    def stop(self) -> None:
        """Nothing runs."""


Home = PostgresHome | MariaHome | FileHome
OpenHome = Callable[[], Home]


def mounted(folder: Path, *, megabytes: int) -> bool:
    """Mount a file system of so many megabytes there; False where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return shutil.which("mount") is not None and _succeeds(command)


def unmount(folder: Path) -> None:
    _succeeds(["umount", "-l", str(folder)])


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
