"""`djtasks list [SEARCH]`"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import override

from djtasks.engine import Engine
from djtasks.inspection.listing import WINDOW, Reading, TaskRow
from djtasks.inspection.visibility import visibility_if
from djtasks.management.rendering import counted, moment_in_words, table
from djtasks.management.searches import add_search, search_in, text_of
from djtasks.management.subcommands.base import add_backend, engines, plain
from djtasks.management.task_json import ARGUMENTS, listed
from djtasks.management.terminal import Terminal
from djtasks.searching import SearchResult, page_found

HELP = "list the tasks that a search finds, newest first"
EXAMPLES = (
    "'state:failed task:send_invoice after:1h'",
    "'error:\"no paper\" wait>5min' --limit 500",
    "state:ready queue:mail --arguments --json",
)
_DEFAULT, _MOST = 50, 10_000
_LONGEST_ERROR = 100
_HEAD = ("id", "state", "attempt", "when", "queue", "task", "error")


def add_arguments(parser: ArgumentParser) -> None:
    add_search(parser, help="terms of the search box of the admin (default: all tasks)")
    parser.add_argument(
        "--limit", type=int, default=_DEFAULT, metavar="N",
        help="list at most N tasks (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--arguments", action="store_true",
        help="also print the arguments of each task, and with --json its unique key and metadata; "
        "sensitive values stay hidden",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    limit = options["limit"]
    if not 1 <= limit <= _MOST:
        raise CommandError(f"--limit must be from 1 to {_MOST:,}, got {limit:,}.")
    found = [(engine, search_in(engine, text_of(options))) for engine in engines(options)]
    rows = [
        row
        for engine, result in found
        for row in islice(_rows(engine, result, arguments=options["arguments"]), limit)
    ]
    rows = sorted(rows, key=lambda row: row.id, reverse=True)[:limit]
    totals = [result.total(engine) for engine, result in found]
    total = sum(count for count, _ in totals)
    is_capped = any(count >= most for count, most in totals)
    is_partial = any(result.scope.is_partial for _, result in found)
    if options["json"]:
        tasks = [listed(row, arguments=options["arguments"]) for row in rows]
        facts = {"total": total, "capped": is_capped, "partial": is_partial, "tasks": tasks}
        out.write(json.dumps(facts, default=plain, indent=2))
        return
    if rows:
        out.write(_table(rows, found[0][1].context.now))
        out.write("")
    out.write(_summary(len(rows), counted(total, is_capped=is_capped), is_partial=is_partial))


def _rows(engine: Engine, found: SearchResult, *, arguments: bool) -> Iterator[TaskRow]:
    visibility = visibility_if(engine, may_see=arguments)
    reading = Reading(visibility=visibility, fields=ARGUMENTS if arguments else frozenset())
    page = page_found(engine, found, reading=reading)
    yield from page.rows
    while page.older is not None:
        page = page_found(engine, found, older=page.older, reading=reading)
        yield from page.rows


def _table(rows: list[TaskRow], now: datetime) -> str:
    return table(_HEAD, [_cells(row, now) for row in rows], left=_HEAD)


def _cells(row: TaskRow, now: datetime) -> tuple[str, ...]:
    call = "".join(piece.text for piece in row.arguments)
    message = row.message.strip().partition("\n")[0][:_LONGEST_ERROR]
    return (
        str(row.id),
        row.phase,
        f"{row.attempt}/{row.max_attempts}",
        moment_in_words(row.at, now),
        row.queue,
        f"{row.path}({call})" if row.arguments else row.path,
        f"{row.exception}: {message}" if message else row.exception,
    )


def _summary(shown: int, total: str, *, is_partial: bool) -> str:
    words = f"{shown:,} of {total} tasks." if shown else "No task was found."
    if is_partial:
        words += f" Only the newest {WINDOW:,} tasks were searched."
    hint = " For one of them: manage.py djtasks show ID, or why ID." if shown else ""
    return words + hint
