"""`djtasks preflight`"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import override

from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.inspection.preflight.records import check_records, live_records
from djtasks.inspection.preflight.schedules import check_schedules
from djtasks.inspection.preflight.troubles import KINDS, Trouble, Troubles
from djtasks.management.subcommands.base import add_backend, engines
from djtasks.management.terminal import Terminal, in_a_cell
from djtasks.operations import bulk_task

HELP = "compare waiting tasks and schedules with the code of this checkout, before a deploy"
EXAMPLES = ("", "--ignore schedule-changed", "--json")


def add_arguments(parser: ArgumentParser) -> None:
    parser.description = (
        "Bind every task that waits or runs, and every schedule, to the code of this checkout, and "
        "run nothing. It finds tasks without code, arguments that do not fit the function, queues "
        "that nobody serves, and schedules that this code adds, changes or removes. Run it as a "
        "step of the release, with the new code and the database of production. It locks nothing. "
        "Exit code 0: nothing was found. Exit code 1: something was. Name the kinds that you "
        f"expect with --ignore: {', '.join(KINDS)}."
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument(
        "--ignore", action="append", default=[], choices=tuple(KINDS), metavar="KIND",
        help="do not report this kind; can be given several times",
    )  # fmt: skip
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    served = {engine.alias: engine for engine in engines(options)}
    for alias, engine in served.items():
        registry.import_tasks(engine.options.imports)
        bulk_task(alias)  # a task of djtasks itself
    troubles = Troubles(frozenset(options["ignore"]))
    tasks = _checked(served, troubles, options["backend"], out)
    schedules = sum(check_schedules(engine, troubles) for engine in served.values())
    found = list(troubles)
    if options["json"]:
        checked = {"tasks": tasks, "schedules": schedules}
        out.write(json.dumps({"checked": checked, "found": [*map(asdict, found)]}, indent=2))
    else:
        out.write("\n\n".join([*map(_rendered, found), _summary(tasks, schedules)]))
    if found:
        findings = "finding needs" if len(found) == 1 else "findings need"
        raise CommandError(f"{len(found)} {findings} attention.")


def _checked(
    served: Mapping[str, Engine], troubles: Troubles, alias: str | None, out: Terminal
) -> int:
    """Check all tasks, and return how many there are."""
    total = live_records(alias).count() if out.is_watched else 0
    done = 0
    for count in check_records(served, troubles, alias=alias):
        done += count
        out.progress(f"{done:,} of {max(done, total):,} tasks checked")
    out.progress("")
    return done


def _rendered(trouble: Trouble) -> str:
    head = f"{KINDS[trouble.kind]}: {in_a_cell(trouble.subject)}"
    lines = [f"{head} (TASKS[{trouble.backend!r}])"]
    if trouble.examples:
        plural = "" if trouble.count == 1 else "s"
        lines.append(f"  {trouble.count:,} task{plural}, such as {', '.join(trouble.examples)}")
    return "\n".join([*lines, f"  {in_a_cell(trouble.reason)}"])


def _summary(tasks: int, schedules: int) -> str:
    return f"{tasks:,} tasks and {schedules:,} schedules were compared with this code."
