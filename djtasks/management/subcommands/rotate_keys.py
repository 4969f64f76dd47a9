"""`djtasks rotate-keys`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.engine import Engine
from djtasks.formats import encryption
from djtasks.management.subcommands.base import add_backend, add_reason, engines, log_action
from djtasks.management.terminal import Terminal

HELP = "encrypt the arguments of all stored tasks and schedules with the first key"
EXAMPLES = ("", "--json")


def add_arguments(parser: ArgumentParser) -> None:
    add_reason(parser)
    add_backend(parser)
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def handle(options: dict[str, Any], out: Terminal) -> None:
    asked = [engine for engine in engines(options) if engine.options.encryption_keys]
    if not asked:
        raise CommandError("No OPTIONS['encryption_keys'] is set, so there is nothing to rotate.")
    if not encryption.is_available():
        raise CommandError(f"The package cryptography is missing: {encryption.INSTALL}")
    found = {engine.alias: _rotated(engine, out) for engine in asked}
    if options["json"]:
        out.write(json.dumps({alias: asdict(one) for alias, one in found.items()}, indent=2))
    for alias, one in found.items():
        log_action("rotate-keys", f"TASKS[{alias!r}]", options)
        if not options["json"]:
            out.write(
                f"TASKS[{alias!r}]: {one.rotated:,} encrypted with the first key, {one.current:,} "
                f"had it already."
            )
    unreadable = sum(one.unreadable for one in found.values())
    if unreadable:
        raise CommandError(
            f"{unreadable:,} tasks and schedules cannot be decrypted by any of the keys, and stay "
            f"as they are. Add the key that encrypted them, and run this again."
        )


def _rotated(engine: Engine, out: Terminal) -> operations.Rotation:
    total = operations.Rotation()
    for total in operations.rotate_keys(engine):
        out.progress(f"{total.looked_at:,} looked at, {total.rotated:,} encrypted anew")
    out.progress("")
    return total
