"""`djtasks stop WORKER`"""

from argparse import ArgumentParser
from typing import Any

from djtasks.management.ordering import add_worker, give_order
from djtasks.management.terminal import Terminal

HELP = "let workers finish their tasks within --grace and exit; new ones take their place"
EXAMPLES = ("web1:4242", "web1")


def add_arguments(parser: ArgumentParser) -> None:
    add_worker(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    give_order(options, out, "stop")
