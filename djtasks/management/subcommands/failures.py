"""`djtasks failures [TASK]`"""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils.translation import override

from djtasks import inspection
from djtasks.engine import Engine
from djtasks.inspection import CHART_RANGES, MOST_GROUPS, FailureFacts
from djtasks.inspection.visibility import visibility_if
from djtasks.management.rendering import moment_in_words, table
from djtasks.management.subcommands.base import add_backend, engines, plain
from djtasks.management.terminal import Terminal

HELP = "show what fails, grouped by task, exception and place in the code"
EXAMPLES = ("", "send_invoice --since 7d", "--json")
_SPANS = ("24h", "7d", "30d", "90d")
_LONGEST_ERROR = 100
_HEAD = ("fingerprint", "failed", "retried", "first", "last", "task", "error")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "task", nargs="?", default="", metavar="TASK",
        help="only groups whose task has this in its path (default: all tasks)",
    )  # fmt: skip
    parser.add_argument(
        "--since", choices=_SPANS, default=_SPANS[0],
        help="how far to look back (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    since = CHART_RANGES[options["since"]].length
    task = options["task"].replace("\x00", "")
    found: list[tuple[Engine, FailureFacts]] = []
    is_capped = False
    for engine in engines(options):
        now = engine.store.now()
        groups = inspection.failures(engine, now - since, task=task)
        is_capped = is_capped or len(groups) == MOST_GROUPS
        found += [(engine, group) for group in groups]
    if options["json"]:
        groups_ = [_facts(engine, group) for engine, group in found]
        out.write(json.dumps({"capped": is_capped, "groups": groups_}, default=plain, indent=2))
    elif found:
        out.write(table(_HEAD, [_cells(*one, now) for one in found], left=("task",)))
        out.write("")
        out.write(_summary(found, options["since"], is_capped=is_capped))
    else:
        out.write(f"No failures in {options['since']}.")


def _summary(found: list[tuple[Engine, FailureFacts]], since: str, *, is_capped: bool) -> str:
    groups, whose = ("group", "Its tasks") if len(found) == 1 else ("groups", "Tasks of the first")
    most = f" Only the {MOST_GROUPS} that failed last are shown." if is_capped else ""
    first = found[0][1].fingerprint
    return (
        f"{len(found):,} {groups} in {since}.{most} {whose}: "
        f"manage.py djtasks list fingerprint:{first}"
    )


def _message(engine: Engine, group: FailureFacts) -> str:
    return visibility_if(engine, may_see=False).message(group.message)


def _cells(engine: Engine, group: FailureFacts, now: datetime) -> tuple[str, ...]:
    message = _message(engine, group).strip().partition("\n")[0][:_LONGEST_ERROR]
    name = group.exception.rpartition(".")[2]
    return (
        group.fingerprint,
        f"{group.failed:,}",
        f"{group.retried:,}",
        moment_in_words(group.first_at, now),
        moment_in_words(group.last_at, now),
        group.task_path,
        f"{name}: {message}" if message else name,
    )


def _facts(engine: Engine, group: FailureFacts) -> dict[str, Any]:
    return {
        "backend": engine.alias,
        "fingerprint": group.fingerprint,
        "task": group.task_path,
        "error": group.exception,
        "message": _message(engine, group),
        "place": group.place,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "failed": group.failed,
        "retried": group.retried,
        "is_new": group.is_new,
        "last_task": group.last_record,
    }
