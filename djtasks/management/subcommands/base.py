"""Code shared by the subcommands: their protocol, common arguments and output."""

import getpass
import logging
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.core.management.base import CommandError

from djtasks.definitions import registry
from djtasks.definitions.options import LONGEST_QUEUE, is_queue
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.formats.suggestions import did_you_mean
from djtasks.management.terminal import Terminal, in_a_cell
from djtasks.operations import OperationResult

logger = logging.getLogger("djtasks.commands")
LONGEST_REASON = 500
EXAMPLE_ID = "019a5c1e-7f3e-7c11-9d3a-5b0e6d1f2a34"
Facts = TypeVar("Facts")


class Subcommand(Protocol):
    """A module that parses and runs one subcommand."""

    HELP: str

    @property
    def EXAMPLES(self) -> tuple[str, ...]:  # noqa: N802 - read only, so of any length
        """Arguments for the end of `--help`."""
        ...

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def handle(self, options: dict[str, Any], out: Terminal) -> None:
        """Run the subcommand; raise CommandError with a sentence that says what went wrong."""
        ...


def add_ids(parser: ArgumentParser) -> None:
    """Add the argument for any number of task ids."""
    parser.add_argument("ids", nargs="*", type=task_id, metavar="ID", help="id of a task")


def add_backend(parser: ArgumentParser) -> None:
    """Add the option --backend, an alias in TASKS."""
    parser.add_argument(
        "--backend", metavar="ALIAS", help="a TASKS alias (default: all that djtasks serves)"
    )


def task_id(text: str) -> UUID:
    """Parse the id of a task."""
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a task id, such as {EXAMPLE_ID}") from None


def minutes(text: str) -> timedelta:
    """Parse a number of minutes."""
    try:
        found = timedelta(minutes=float(text))
    except (ValueError, OverflowError):
        found = timedelta(0)
    if not timedelta(0) < found <= timedelta(days=365):
        raise ArgumentTypeError(f"{text!r} is not a number of minutes above 0, up to a year")
    return found


def engines(options: dict[str, Any]) -> list[Engine]:
    """Return the engine of --backend, or the engines of all aliases that djtasks serves."""
    alias = options["backend"]
    if alias and alias not in our_aliases():
        raise CommandError(
            f"djtasks does not serve TASKS[{alias!r}]. Aliases that it serves: "
            f"{', '.join(our_aliases()) or 'none'}."
        )
    return [engine_of(each) for each in ([alias] if alias else our_aliases())]


def any_engine() -> Engine:
    """Return any djtasks engine, for operations on ids, whose alias does not matter."""
    aliases = our_aliases()
    if not aliases:
        raise CommandError("djtasks serves no alias in TASKS.")
    return engine_of(aliases[0])


def find_task(id_: UUID, read: Callable[[Engine, UUID], Facts | None]) -> tuple[Engine, Facts]:
    """Return what `read` says about a task, and the engine of its alias."""
    for alias in our_aliases():
        engine = engine_of(alias)
        registry.import_tasks(engine.options.imports)
        facts = read(engine, id_)
        if facts is not None:
            return engine, facts
    raise CommandError(
        f"There is no task {id_}: its record was deleted, pruned, rolled back, or never existed."
    )


def add_queue(parser: ArgumentParser) -> None:
    """Add the argument for a queue, and the option for its alias."""
    parser.add_argument("queue", metavar="QUEUE", help="name of a queue")
    add_backend(parser)


def queues_named(queue: str, options: dict[str, Any]) -> list[Engine]:
    """Return the engines of the asked aliases that have a queue of this name.

    An alias without QUEUES has every valid name.
    """
    asked = engines(options)
    found = [engine for engine in asked if queue in (engine.queues or [queue])]
    if not found or not is_queue(queue):
        known = sorted({name for engine in asked for name in engine.queues})
        meant = did_you_mean(queue, known) or f"Queues: {', '.join(known)}."
        if not known:
            meant = f"A name has 1 to {LONGEST_QUEUE} printable characters."
        raise CommandError(f"There is no queue {queue!r}. {meant}")
    return found


def this_person() -> str:
    """Return who runs the command, for those who ask later: the user of the system."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):
        return "command line"


def confirm(out: Terminal, question: str, *, yes: bool) -> None:
    """Ask for a yes; raise CommandError without one, or if nobody is there who could give it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Nobody can answer here, so nothing was done. Add --yes.")
    if out.ask(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")


def add_reason(parser: ArgumentParser, shown: str = "written to the log") -> None:
    """Add the option --reason; `shown`: who reads it."""
    parser.add_argument("--reason", type=reason, default="", metavar="TEXT", help=shown)


def reason(text: str) -> str:
    """Parse a reason."""
    if len(text) > LONGEST_REASON:
        raise ArgumentTypeError(
            f"a reason has at most {LONGEST_REASON} characters, got {len(text):,}"
        )
    return text


def log_action(action: str, subject: str, options: dict[str, Any]) -> None:
    """Log what somebody did from the command line, to what, and why if `options` say so.

    One line for each task, queue, worker or bulk action: a search for its name finds all of it.
    """
    why = in_a_cell(options.get("reason", ""))
    line, facts = "Action by hand action=%s subject=%s by=%s", [action, subject, this_person()]
    if why:
        line, facts = f"{line} reason=%s", [*facts, why]
    logger.info(line, *facts)


def plain(value: Any) -> Any:
    """Return a duration in seconds, a moment as ISO 8601, and anything else as text, for JSON."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def report(out: Terminal, done: OperationResult, options: dict[str, Any], words: str) -> None:
    """Print and log what a command did to its ids; raise CommandError if it left some unchanged."""
    out.write(f"{len(done.changed)} of {len(done.changed) + len(done.refused)} {words}.")
    for id_ in done.changed:
        log_action(options["command"], str(id_), options)
    if done.refused:
        raise CommandError("\n".join(f"{id_}: {why}" for id_, why in done.refused.items()))
