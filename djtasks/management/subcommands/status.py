"""`djtasks status`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.utils.translation import override

from djtasks import inspection
from djtasks.management.rendering import render_status
from djtasks.management.subcommands.base import add_backend, engines, plain
from djtasks.management.terminal import Terminal

HELP = "show queues, workers, schedules and what is wrong"
EXAMPLES = ("", "--json --backend default")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_backend(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    statuses = [inspection.status_of(engine) for engine in engines(options)]
    if options["json"]:
        out.write(json.dumps([asdict(status) for status in statuses], default=plain, indent=2))
    else:
        out.write("\n\n".join(render_status(status) for status in statuses))
