"""Code shared by the long-running commands: what they refuse, their alias and their probes."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError
from django.db import connections

from djtasks.compat import InvalidTaskBackend
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.errors import InvalidOption
from djtasks.worker.config import ProbeConfig


def engine_for(alias: str) -> Engine:
    """Return the engine of --backend, or raise CommandError that lists the valid aliases."""
    if alias not in our_aliases():
        ours = ", ".join(our_aliases()) or "none"
        raise CommandError(
            f"djtasks does not serve TASKS[{alias!r}]. Aliases that it serves: {ours}. Set its "
            f"BACKEND to 'djtasks.backend.DjtasksBackend', or choose another with --backend."
        )
    try:
        return engine_of(alias)
    except (InvalidOption, InvalidTaskBackend) as error:
        raise CommandError(f"TASKS[{alias!r}]: {error}") from error


def refuse_transactions(command: str) -> None:
    """Raise CommandError if this thread is in a transaction, of whatever database.

    The process takes its own connections, and sees only what is committed.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise CommandError(
                f"{command} was called inside a transaction of the database "
                f"{connection.alias!r}. It sees only what is committed, and it would end this "
                f"transaction. Call it outside transaction.atomic(). In a test, use a "
                f"TransactionTestCase, or djtasks.testing.run_due() instead."
            )


class Address(NamedTuple):
    """A host and port, to listen on or to connect to."""

    host: str
    port: int


def address(text: str) -> Address:
    """Parse [HOST:]PORT; without a host, only this machine can connect."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise ArgumentTypeError(f"{text!r} is not a port: use a number up to 65535, or HOST:PORT")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def add_probes(parser: ArgumentParser) -> None:
    """Add the options for health checks."""
    parser.add_argument(
        "--health-file", type=Path, metavar="PATH",
        help="write this file every 2 s while the process makes progress, and delete it "
        "otherwise; for exec probes, see `djtasks health`",
    )  # fmt: skip
    parser.add_argument(
        "--health-port", type=address, metavar="[HOST:]PORT",
        help="serve /health, /ready, /metrics and /metrics.json over HTTP; without HOST, only "
        "this machine can connect",
    )  # fmt: skip


def probes_of(options: dict[str, Any]) -> ProbeConfig:
    """Return which probes to serve; raise CommandError if the folder of the file is missing."""
    path, where = options["health_file"], options["health_port"]
    if path is not None and not path.parent.is_dir():
        raise CommandError(
            f"--health-file {path}: the folder {path.parent} does not exist. Create it first, and "
            f"let the user of this process write to it."
        )
    if where is None:
        return ProbeConfig(file=path)
    return ProbeConfig(file=path, host=where.host, port=where.port)
