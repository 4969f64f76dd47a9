"""`djtasks schedules [NAME]`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from djtasks import inspection
from djtasks.engine import Engine
from djtasks.errors import DjtasksError
from djtasks.inspection import ScheduleFacts
from djtasks.management.schedule_rendering import render_runs, render_schedules
from djtasks.management.subcommands.base import add_backend, engines, plain
from djtasks.management.terminal import Terminal

HELP = "show schedules, when they run next, and what is wrong with them"
EXAMPLES = ("", "--preview 10 'nightly report'", "--json")
MOST_RUNS = 1_000


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="only this schedule")
    parser.add_argument(
        "--preview", type=int, metavar="N",
        help="list the next N runs of NAME, with notes where the clocks change",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_backend(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    count = options["preview"]
    if count is not None and not options["name"]:
        raise CommandError("--preview needs the NAME of a schedule: --preview 10 NAME")
    if count is not None and not 1 <= count <= MOST_RUNS:
        raise CommandError(f"--preview must be from 1 to {MOST_RUNS:,}, got {count:,}.")
    found = _find(engines(options), options["name"])
    if count is None:
        _list(found, out, as_json=options["json"])
    for engine, schedule in found if count is not None else ():
        _preview(engine, schedule, out, options)


def _find(asked: list[Engine], name: str | None) -> list[tuple[Engine, ScheduleFacts]]:
    if name is None:
        return [(engine, one) for engine in asked for one in inspection.schedules_of(engine)]
    maybe = [(engine, inspection.schedule_facts(engine, name)) for engine in asked]
    found = [(engine, one) for engine, one in maybe if one is not None]
    if not found:
        known = [one.name for engine in asked for one in inspection.schedules_of(engine)]
        raise CommandError(
            f"There is no schedule named {name!r}. Known schedules:\n  "
            + ("\n  ".join(known) or "(none)")
        )
    return found


def _list(found: list[tuple[Engine, ScheduleFacts]], out: Terminal, *, as_json: bool) -> None:
    if as_json:
        out.write(json.dumps([asdict(one) for _, one in found], default=plain, indent=2))
    elif found:
        out.write(render_schedules([one for _, one in found], now=found[0][0].store.now()))
    else:
        out.write("No schedules. Declare one with @periodic; a scheduler stores it when it starts.")


def _preview(
    engine: Engine, schedule: ScheduleFacts, out: Terminal, options: dict[str, Any]
) -> None:
    try:
        runs = inspection.next_runs(engine, schedule.id, options["preview"])
    except DjtasksError as error:
        raise CommandError(f"Schedule {schedule.name!r} is broken: {error}") from error
    if options["json"]:
        out.write(json.dumps([asdict(run) for run in runs], default=plain, indent=2))
    else:
        out.write(render_runs(schedule, runs))
