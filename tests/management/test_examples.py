"""Every command ends its help with examples, and each of them is valid."""

import shlex
from argparse import ArgumentParser
from collections.abc import Iterator

import pytest
from django.core.management.base import BaseCommand

from djtasks.engine import engine_of
from djtasks.management.commands import djtasks, runbeat, runworker
from djtasks.management.searches import search_in
from djtasks.management.subcommands import ALL

COMMANDS = {"djtasks": djtasks, "runbeat": runbeat, "runworker": runworker}


def parser_of(command: str) -> ArgumentParser:
    made: BaseCommand = COMMANDS[command].Command()
    return made.create_parser("manage.py", command)


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command and subcommand with its help."""
    for command in ("runbeat", "runworker"):
        yield command, parser_of(command).format_help()
    subparsers = next(a for a in parser_of("djtasks")._actions if a.dest == "command")
    for name, parser in dict(subparsers.choices or {}).items():
        yield f"djtasks {name}", parser.format_help()


HELPS = dict(helps())


@pytest.mark.parametrize("command", HELPS)
def test_every_example_is_on_its_line_and_parses(command: str) -> None:
    lines = HELPS[command].split("\n\nExamples:\n")[1].splitlines()

    assert lines
    for line in lines:
        program, name, *words = shlex.split(line)
        assert (program, " ".join([name, *words[: command.count(" ")]])) == ("manage.py", command)
        parser_of(name).parse_args(words)
        assert len(line) <= 100


@pytest.mark.parametrize("command", ["list", "retry", "cancel", "discard"])
@pytest.mark.usefixtures("engine")
def test_the_searches_in_examples_are_valid(command: str) -> None:
    for example in ALL[command].EXAMPLES:
        options = vars(parser_of("djtasks").parse_args([command, *shlex.split(example)]))
        text = options.get("all") or " ".join(options.get("search", []))
        search_in(engine_of("default"), text)


def test_the_text_above_the_examples_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    text = dict(helps())["djtasks doctor"]

    assert "later. Exit code 1: something does not work. The command changes\nnothing.\n" in text
