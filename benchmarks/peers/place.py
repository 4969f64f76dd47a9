"""The private servers of a benchmark, and an empty home in them for each contestant."""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from benchmarks.harness import family
from benchmarks.peers import environments
from benchmarks.peers.lineup import Contestant
from djtasks.testing.servers import start_postgres, start_valkey


@dataclass(frozen=True)
class Place:
    """Where the servers are: Valkey by TCP, as in production, PostgreSQL by a socket's folder."""

    redis: str
    postgres: Path
    ledgers: Path
    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """Return what the servers' processes have used so far, those that have ended included."""
        everything = [one for pid in self.pids for one in family(psutil.Process(pid))]
        return sum(sum(one.cpu_times()[:4]) for one in everything)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.postgres), user="postgres", dbname=database, autocommit=True
        )

    def empty(self, contestant: Contestant) -> None:
        """Leave nothing of earlier runs, and the planner what it has in a database in use."""
        redis.Redis.from_url(self.redis).flushall()
        name = database_of(contestant)
        with self.connect() as server:
            known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not known.fetchone():
                server.execute(f"CREATE DATABASE {name}")
                return
        with self.connect(name) as database:
            for table in contestant.tables:
                database.execute(f"TRUNCATE {table} CASCADE")
                database.execute(f"VACUUM ANALYZE {table}")

    def environment(self, contestant: Contestant, ledger: Path, *, span: float) -> dict[str, str]:
        """Return what a contestant's processes are started with."""
        own = {
            "PEERS_REDIS": self.redis,
            "PEERS_POSTGRES": str(self.postgres),
            "PEERS_DATABASE": database_of(contestant),
            "PEERS_LEDGER": str(ledger),
            "PEERS_SETTINGS": self.fill(contestant.settings),
            "PEERS_GAP": str(contestant.poll),
            "PEERS_SPAN": str(span),
            "PYTHONPATH": str(environments.ROOT),
        }
        if contestant.django is not None:
            own["PEERS_DJANGO"] = self.fill(contestant.django)
            own["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.django_settings"
        return os.environ | own

    def fill(self, settings: dict[str, Any]) -> str:
        return json.dumps(settings).replace("{redis}", self.redis)


def database_of(contestant: Contestant) -> str:
    return "peers_" + contestant.name.replace("-", "_")


@contextmanager
def servers() -> Iterator[Place]:
    """Run a PostgreSQL (fsync on, stock settings) and a Valkey of our own during the block."""
    with ExitStack() as stack:
        folder = _folder(stack, None)
        folder.chmod(0o755)
        for name in ("valkey", "postgres"):
            (folder / name).mkdir()
        port = _free_port()
        valkey = start_valkey(folder / "valkey", "--port", str(port), "--bind", "127.0.0.1")
        stack.callback(valkey.stop)
        postgres = start_postgres(folder / "postgres", fsync=True)
        stack.callback(postgres.stop)
        shared = Path("/dev/shm")
        yield Place(
            redis=f"redis://127.0.0.1:{port}/0",
            postgres=folder / "postgres",
            ledgers=_folder(stack, shared if shared.is_dir() else None),
            pids=(valkey.pid, postgres.pid),
        )


def _folder(stack: ExitStack, parent: Path | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="djtpeers-", dir=parent))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
