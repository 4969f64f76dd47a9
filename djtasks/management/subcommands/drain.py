"""`djtasks drain WORKER`"""

from argparse import ArgumentParser
from typing import Any

from djtasks.management.ordering import add_worker, give_order
from djtasks.management.terminal import Terminal

HELP = "let workers finish what they run, and take no more tasks"
EXAMPLES = ("web1:4242", "web1", "web1 --undo")


def add_arguments(parser: ArgumentParser) -> None:
    add_worker(parser)
    parser.add_argument(
        "--undo", action="store_true", help="let draining workers take tasks again instead"
    )


def handle(options: dict[str, Any], out: Terminal) -> None:
    give_order(options, out, "resume" if options["undo"] else "drain")
