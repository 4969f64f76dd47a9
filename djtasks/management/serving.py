"""What commands share that run until they are told to stop: their alias, and their probes."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from djtasks.compat import InvalidTaskBackend
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.errors import InvalidOption
from djtasks.worker.config import ProbeConfig


def engine_for(alias: str) -> Engine:
    """Return the engine of --backend, or raise CommandError saying which there are."""
    if alias not in our_aliases():
        ours = ", ".join(our_aliases()) or "none"
        raise CommandError(
            f"TASKS[{alias!r}] is not served by djtasks. Aliases that are: {ours}. Set its "
            f"BACKEND to 'djtasks.backend.DjtasksBackend', or choose one with --backend."
        )
    try:
        return engine_of(alias)
    except (InvalidOption, InvalidTaskBackend) as error:
        raise CommandError(f"TASKS[{alias!r}]: {error}") from error


class Address(NamedTuple):
    """Where to listen, or whom to ask."""

    host: str
    port: int


def address(text: str) -> Address:
    """Parse [HOST:]PORT; without a host it is this machine alone."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise ArgumentTypeError(f"{text!r} is no port; expected a number up to 65535, or HOST:PORT")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def add_probes(parser: ArgumentParser) -> None:
    """Take the flags of health checks."""
    parser.add_argument(
        "--health-file", type=Path, metavar="PATH",
        help="keep this file fresh (every 2 s) while it makes progress, and gone otherwise; for "
        "exec probes, see `djtasks health`",
    )  # fmt: skip
    parser.add_argument(
        "--health-port", type=address, metavar="[HOST:]PORT",
        help="answer /health, /ready, /metrics and /metrics.json there by HTTP; without HOST "
        "only this machine can ask",
    )  # fmt: skip


def probes_of(options: dict[str, Any]) -> ProbeConfig:
    """Return where to show how the process is; raises CommandError for a folder that is none."""
    path, where = options["health_file"], options["health_port"]
    if path is not None and not path.parent.is_dir():
        raise CommandError(
            f"--health-file {path} is in no folder: {path.parent} does not exist. Make it first, "
            f"writable for the user of this process."
        )
    if where is None:
        return ProbeConfig(file=path)
    return ProbeConfig(file=path, host=where.host, port=where.port)
