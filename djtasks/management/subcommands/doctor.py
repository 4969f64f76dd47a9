"""`djtasks doctor`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import override

from djtasks.doctor import DEFAULT_ROLE, Finding, Level, examine, roles
from djtasks.engine import our_aliases
from djtasks.management.subcommands.base import add_backend
from djtasks.management.terminal import Terminal

HELP = "try every part of the installation, report what is wrong and how to fix it"
EXAMPLES = ("", "--strict --json", "--role web")
_MARKS = {Level.OK: "ok", Level.WARN: "warn", Level.BAD: "BAD"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.description = (
        "Examine the installation from where this command runs: settings, database, migrations, "
        "rights, clocks, broker, workers and schedulers. It also takes a record through every "
        "step of a task's life; that is rolled back, so nobody sees it. It prints one line per "
        "part, and says how to fix what is wrong. Run it after a deploy, or when tasks do not "
        "run."
    )
    parser.epilog = (
        "Exit code 0: nothing is BAD. A warn means that it works now, but will cause trouble "
        "later. Exit code 1: something does not work. The command changes nothing."
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for a warn too")
    parser.add_argument(
        "--role", choices=roles(), default=DEFAULT_ROLE,
        help="whose database rights to check: a worker's, those of a site that enqueues, or of a "
        "site with the admin (default: %(default)s)",
    )  # fmt: skip
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
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
        raise CommandError(f"{count} of {len(every)} findings need attention.")


def _aliases(options: dict[str, Any]) -> list[str]:
    """Return the aliases to examine, not their engines: their settings may be what is wrong."""
    asked, ours = options["backend"], our_aliases()
    if not ours:
        raise CommandError(
            "djtasks serves no alias in TASKS. Add this to your settings: "
            "TASKS = {'default': {'BACKEND': 'djtasks.backend.DjtasksBackend'}}"
        )
    if asked and asked not in ours:
        raise CommandError(
            f"djtasks does not serve TASKS[{asked!r}]. Aliases that it serves: {', '.join(ours)}."
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
