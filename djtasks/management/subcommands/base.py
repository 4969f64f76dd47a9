"""What the subcommands share: their shape, the arguments that several take, their output."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.operations import OperationResult


class Subcommand(Protocol):
    """A module that parses and does one subcommand."""

    HELP: str

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def handle(self, options: dict[str, Any], out: OutputWrapper) -> None:
        """Do it; raises CommandError with a sentence for what went wrong."""
        ...


def add_ids(parser: ArgumentParser) -> None:
    """Take one or more ids of tasks."""
    parser.add_argument("ids", nargs="+", type=task_id, metavar="ID", help="id of a task")


def add_backend(parser: ArgumentParser) -> None:
    """Take an alias of TASKS."""
    parser.add_argument(
        "--backend", metavar="ALIAS", help="alias in TASKS (default: all of djtasks)"
    )


def task_id(text: str) -> UUID:
    """Parse the id of a task."""
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no task id, such as 019a5c1e-7f3e-7c11-9d3a-5b0e6d1f2a34"
        ) from None


def engines(options: dict[str, Any]) -> list[Engine]:
    """Return the engine of the alias asked for, or those of all that djtasks serves."""
    alias = options["backend"]
    if alias and alias not in our_aliases():
        raise CommandError(
            f"TASKS[{alias!r}] is not served by djtasks. Aliases that are: "
            f"{', '.join(our_aliases()) or 'none'}."
        )
    return [engine_of(each) for each in ([alias] if alias else our_aliases())]


def any_engine() -> Engine:
    """Return an engine of djtasks, for what is done to ids, whatever their alias."""
    aliases = our_aliases()
    if not aliases:
        raise CommandError("No alias of TASKS is served by djtasks.")
    return engine_of(aliases[0])


def plain(value: Any) -> Any:
    """Return what JSON has no word for as a number of seconds or a text."""
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def report(out: OutputWrapper, done: OperationResult, ids: Sequence[UUID], verb: str) -> None:
    """Say what an operation did to `ids`; raises CommandError if some were left alone."""
    out.write(f"{len(done.changed)} of {len(ids)} {verb}.")
    if done.refused:
        raise CommandError("\n".join(f"{id_}: {why}" for id_, why in done.refused.items()))
