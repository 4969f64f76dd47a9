"""A pgbouncer in transaction mode before the PostgreSQL of a test run (DJTASKS_TEST_PGBOUNCER=1).

No session belongs to a client then: what one statement sets, the next may not find.
"""

import os
import shutil
from pathlib import Path

import pytest

from djtasks.testing.servers import Server, tied_to_parent
from tests.waiting import eventually

PORT = 6432

needs_a_session = pytest.mark.skipif(
    bool(os.environ.get("DJTASKS_TEST_PGBOUNCER")),
    reason="a pooler in transaction mode leaves nobody a session",
)
# What the engine sets for its own sessions elsewhere: see docs/guides/deployment.md.
LIMITS = (
    "SET statement_timeout = 20000; SET lock_timeout = 5000; SET enable_seqscan = off; "
    "SET idle_in_transaction_session_timeout = 10000"
)
CONFIGURATION = """
[databases]
* = host={postgres} port=5432 user=postgres connect_query='{limits}'

[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 60
server_idle_timeout = 30
"""


def start_pgbouncer(folder: Path, postgres: Path) -> Server:
    """Start it on a socket in `folder`; raises RuntimeError where it is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("DJTASKS_TEST_PGBOUNCER is set, but pgbouncer is not installed")
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(postgres=postgres, folder=folder, port=PORT, limits=LIMITS)
    )
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    guard = tied_to_parent(
        [program, str(configuration)], user=user, stop="INT", log=folder / "pgbouncer.log"
    )
    server = Server(
        url=f"postgresql://postgres@/postgres?host={folder}&port={PORT}", folder=folder, guard=guard
    )
    eventually(lambda: (folder / f".s.PGSQL.{PORT}").exists() or guard.poll() is not None)
    if guard.poll() is not None:
        raise RuntimeError(f"pgbouncer did not start: {(folder / 'pgbouncer.log').read_text()}")
    return server
