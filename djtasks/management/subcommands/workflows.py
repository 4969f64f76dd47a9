"""`djtasks workflows [TEXT]`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import override

from djtasks.engine import Engine
from djtasks.inspection import WORKFLOW_PHASES, ListedWorkflow, workflow_page
from djtasks.management.subcommands.base import add_backend, engines, plain
from djtasks.management.terminal import Terminal
from djtasks.management.workflow_rendering import render_workflows

HELP = "list workflows, with how far they are"
EXAMPLES = ("", "--state running", "import --json")
_DEFAULT, _MOST = 25, 1_000


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="?", default="", metavar="TEXT",
        help="only those with this in their name, about this object, or with this id",
    )  # fmt: skip
    parser.add_argument(
        "--state", choices=WORKFLOW_PHASES, default="", help="only those in a state"
    )
    parser.add_argument(
        "--limit", type=int, default=_DEFAULT, metavar="N",
        help="list at most N workflows (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    limit = options["limit"]
    if not 1 <= limit <= _MOST:
        raise CommandError(f"--limit must be from 1 to {_MOST:,}, got {limit:,}.")
    asked = engines(options)
    pages = [_page(engine, options) for engine in asked]
    rows = sorted((row for page in pages for row in page.rows), key=_not_over_first)[:limit]
    if options["json"]:
        out.write(json.dumps([asdict(row) for row in rows], default=plain, indent=2))
    elif rows:
        out.write(render_workflows(rows, asked[0].store.now()))
        has_more = any(page.has_more for page in pages)
        more = f" There are more: --limit {min(10 * limit, _MOST)}." if has_more else ""
        out.write(f"\n{len(rows):,} shown.{more} For one of them: manage.py djtasks workflow ID")
    else:
        is_filtered = options["text"] or options["state"]
        out.write("No workflow was found." if is_filtered else "No workflow was ever made.")


def _page(engine: Engine, options: dict[str, Any]) -> Any:
    text = options["text"].replace("\x00", "")
    return workflow_page(engine, phase=options["state"], text=text, count=options["limit"])


def _not_over_first(row: ListedWorkflow) -> tuple[bool, float]:
    return row.finished_at is not None, -row.enqueued_at.timestamp()
