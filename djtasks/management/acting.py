"""What `retry`, `cancel` and `discard` share: ids, or all tasks that a search finds."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.engine import Engine
from djtasks.inspection import COUNT_LIMIT
from djtasks.inspection.listing import WINDOW
from djtasks.inspection.search.phases import phases_of
from djtasks.management.rendering import counted
from djtasks.management.searches import search_in
from djtasks.management.subcommands.base import (
    add_backend,
    add_ids,
    add_reason,
    confirm,
    engines,
    log_action,
    this_person,
)
from djtasks.management.terminal import Terminal
from djtasks.operations import Action
from djtasks.searching import SearchResult

Found = list[tuple[Engine, SearchResult, int]]


def add_tasks(parser: ArgumentParser, action: Action) -> None:
    """Add the arguments for some tasks by id, or for all that match."""
    add_ids(parser)
    parser.add_argument(
        "--all", metavar="SEARCH",
        help=f"{action.name} all tasks that a search finds, as the admin does: a worker does it in "
        "the background",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="with --all: do not ask")
    add_reason(parser)
    add_backend(parser)


def is_for_all(options: dict[str, Any], action: Action) -> bool:
    """Return whether the command is for all that match; raise CommandError if that is unclear."""
    is_all = options["all"] is not None
    if is_all is bool(options["ids"]):
        raise CommandError(f"Give either ids of tasks or --all SEARCH: {_example(action)}")
    return is_all


def _example(action: Action) -> str:
    states = " ".join(f"state:{phase}" for phase in phases_of(action.states))
    return f'manage.py djtasks {action.name} --all "{states}"'


def act_on_all(
    options: dict[str, Any], out: Terminal, action: Action, given: Mapping[str, Any] | None = None
) -> None:
    """Ask, then start a bulk action with the `given` options in each alias that has matches."""
    text = options["all"]
    searched = [(engine, search_in(engine, text)) for engine in engines(options)]
    if not all(found.search.chips for _, found in searched):
        raise CommandError(
            f"An empty search matches every task. Say which you mean: {_example(action)}"
        )
    counts = [(e, found, found.count_in(e, action.states)) for e, found in searched]
    matching = [one for one in counts if one[2]]
    if not matching:
        out.write(f"No task to {action.name} matches {text!r}.")
        return
    number = _number(matching)
    if any(found.is_bounded for _, found, _ in matching):
        out.write(f"Only the newest {WINDOW:,} tasks are searched.")
    confirm(out, f"{action.name.capitalize()} {number}?", yes=options["yes"])
    for engine, found, _count in matching:
        bulk = operations.start_bulk(
            engine, action.name, found.selection, by=this_person(), options=given
        )
        log_action(action.name, f"bulk action {bulk.pk}", options)
        out.write(
            f"Started in TASKS[{engine.alias!r}]. A worker continues it in the background.\n"
            f"  progress: manage.py djtasks show {bulk.task}\n"
            f"  stop it:  manage.py djtasks cancel {bulk.task}"
        )


def _number(matching: Found) -> str:
    count = sum(each for _, _, each in matching)
    is_capped = any(each >= COUNT_LIMIT for _, _, each in matching)
    return f"{counted(count, is_capped=is_capped)} {'task' if count == 1 else 'tasks'}"
