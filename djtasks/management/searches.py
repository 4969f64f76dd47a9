"""What subcommands search: tasks of one or more TASKS aliases, in the language of the admin."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.inspection.search.context import search_context
from djtasks.inspection.search.keys import KEYS
from djtasks.inspection.visibility import Visibility
from djtasks.searching import SearchResult, find_tasks

# Whoever runs a command can read the settings, and so the database.
_EVERYTHING = Visibility(arguments=True)


def add_search(parser: ArgumentParser, *, help: str) -> None:  # noqa: A002 - as argparse has it
    """Add the argument for a search."""
    parser.add_argument("search", nargs="*", metavar="SEARCH", help=help)


def search_in(engine: Engine, text: str) -> SearchResult:
    """Return what a search finds in one alias; raise CommandError for terms that are not valid."""
    registry.import_tasks(engine.options.imports)  # they name what is sensitive
    found = find_tasks(engine, text, search_context(engine, visibility=_EVERYTHING, keys=KEYS))
    if found.search.problems:
        raise CommandError("\n".join(problem.message for problem in found.search.problems))
    return found


def text_of(options: dict[str, Any]) -> str:
    """Return the search that was given in one or more arguments."""
    return " ".join(options["search"])
