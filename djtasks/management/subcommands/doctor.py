"""`djtasks doctor`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import override

from djtasks.doctor import DEFAULT_ROLE, Finding, Level, examine, roles
from djtasks.engine import our_aliases
from djtasks.management.subcommands.base import add_backend

HELP = "use every part of the installation once, and say what is wrong and what to do about it"
_MARKS = {Level.OK: "ok", Level.WARN: "warn", Level.BAD: "BAD"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.description = (
        "Examines an installation where this command runs: settings, database, migrations, "
        "rights, clocks, broker, a record through every step of a task's way (rolled back, seen "
        "by nobody), workers and schedulers. One line a part; for what is wrong, what to do "
        "about it. Run it after a deploy, or when tasks do not run."
    )
    parser.epilog = (
        "Exit code 0: nothing is BAD; what says warn works and will hurt one day. 1: something "
        "does not work. It changes nothing."
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument("--strict", action="store_true", help="also exit with 1 for a warn")
    parser.add_argument(
        "--role", choices=roles(), default=DEFAULT_ROLE,
        help="whose rights in the database to ask for: those of workers, of sites that enqueue, "
        "or of sites with the admin (default: %(default)s)",
    )  # fmt: skip
    add_backend(parser)


@override(None)  # a terminal is spoken to in English throughout
def handle(options: dict[str, Any], out: OutputWrapper) -> None:
    found = {alias: examine(alias, role=options["role"]) for alias in _aliases(options)}
    if options["json"]:
        facts = {alias: [_facts(one) for one in findings] for alias, findings in found.items()}
        out.write(json.dumps(facts, indent=2))
    else:
        out.write("\n\n".join(_rendered(alias, findings) for alias, findings in found.items()))
    every = [finding for findings in found.values() for finding in findings]
    failing = {Level.BAD, Level.WARN} if options["strict"] else {Level.BAD}
    count = sum(finding.level in failing for finding in every)
    if count:
        raise CommandError(f"{count} of {len(every)} findings need somebody.")


def _aliases(options: dict[str, Any]) -> list[str]:
    """Return the aliases to examine; not their engines, whose settings may be what is wrong."""
    asked, ours = options["backend"], our_aliases()
    if not ours:
        raise CommandError(
            "No alias of TASKS is served by djtasks. Put this into the settings: "
            "TASKS = {'default': {'BACKEND': 'djtasks.backend.DjtasksBackend'}}"
        )
    if asked and asked not in ours:
        raise CommandError(
            f"TASKS[{asked!r}] is not served by djtasks. Aliases that are: {', '.join(ours)}."
        )
    return [asked] if asked else ours


def _rendered(alias: str, findings: list[Finding]) -> str:
    width = max(len(finding.part) for finding in findings)
    lines = [_line(finding, width) for finding in findings]
    return "\n".join([f"TASKS[{alias!r}]", *lines])


def _facts(finding: Finding) -> dict[str, Any]:
    return {
        "part": finding.part,
        "level": finding.level,
        "code": finding.code,
        "text": finding.statement,
        "remedy": finding.remedy,
        "seconds": finding.seconds,
    }


def _line(finding: Finding, width: int) -> str:
    took = f"  ({finding.seconds * 1000:,.1f} ms)" if finding.seconds is not None else ""
    text = f"{finding.statement} {finding.remedy}".rstrip()
    return f"  {_MARKS[finding.level]:<4}  {finding.part:<{width}}  {text}{took}"
