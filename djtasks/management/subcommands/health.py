"""`djtasks health`: ask a running worker or scheduler whether it makes progress."""

import json
import time
from argparse import ArgumentParser
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from djtasks.management.serving import Address, address
from djtasks.management.terminal import Terminal

HELP = "ask a running worker or scheduler whether it makes progress"
EXAMPLES = ("--file /run/shop/health", "--port 8080 --ready")
FRESH_SECONDS = 30.0
_PATIENCE_SECONDS = 5.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.description = (
        "Exit code 0: the process behind this file or port makes progress, even if it has "
        "nothing to do. Exit code 1: it makes none, or is not there. The command does not query "
        "the database."
    )
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--file", type=Path, metavar="PATH", help="the --health-file of the process")
    asked.add_argument(
        "--port", type=address, metavar="[HOST:]PORT", help="the --health-port of the process"
    )
    parser.add_argument(
        "--ready", action="store_true",
        help="also require that it can do its work: the database answers and a child is up",
    )  # fmt: skip
    parser.add_argument(
        "--max-age", type=float, default=FRESH_SECONDS, metavar="SECONDS",
        help="treat the process as dead if its file is older than this (default: %(default)g)",
    )  # fmt: skip


def handle(options: dict[str, Any], out: Terminal) -> None:
    if options["file"] is not None:
        reasons = _ask_file(options["file"], options["max_age"], ready=options["ready"])
    else:
        reasons = _ask_port(options["port"], ready=options["ready"])
    if reasons:
        raise CommandError(" ".join(reasons))
    out.write("ready" if options["ready"] else "live")


def _ask_file(path: Path, max_age: float, *, ready: bool) -> list[str]:
    try:
        age = time.time() - path.stat().st_mtime
        facts = json.loads(path.read_text())
    except FileNotFoundError:
        return [
            f"There is no {path}: the process makes no progress, has ended, or runs without "
            f"--health-file."
        ]
    except (OSError, ValueError) as error:
        return [f"{path} cannot be read: {error}."]
    if age > max_age:
        return [f"{path} is {age:.0f} s old: its process died, or is stopped."]
    return _why_unready(facts) if ready else []


def _ask_port(where: Address, *, ready: bool) -> list[str]:
    connection = HTTPConnection(where.host, where.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/ready" if ready else "/health")
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, HTTPException) as error:
        return [f"Nobody answers on port {where.port} of {where.host}: {error}."]
    finally:
        connection.close()
    if status == 200:
        return []
    try:
        return list(json.loads(body)["reasons"])
    except (ValueError, LookupError, TypeError):
        return [f"Port {where.port} of {where.host} answers {status}, but is not a djtasks probe."]


def _why_unready(facts: Any) -> list[str]:
    try:
        return [] if facts["ready"] else list(facts["reasons"])
    except (LookupError, TypeError):
        return ["The file was not written by djtasks."]
