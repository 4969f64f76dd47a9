"""What reaches a terminal, and how commands end when something is wrong around them."""

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import connection, transaction

from djtasks.errors import BrokerUnavailable
from djtasks.management.terminal import (
    Terminal,
    explained_errors,
    harmless,
    in_a_cell,
    quiet_end,
)
from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.acceptance.projects import Project
from tests.management.test_djtasks_command import refused, said
from tests.tasks import add, explode

ID = "019a5c1e-7f3e-7c11-9d3a-5b0e6d1f2a34"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc é 日本 🎉", "a\tb\nc é 日本 🎉"),
        ("\x1b[2J\x07\r", "\\u001b[2J\\u0007\\u000d"),
        ("\x7f\x9b31m", "\\u007f\\u009b31m"),
        ("\u202egpj\u2066.exe", "\\u202egpj\\u2066.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_characters_that_a_terminal_obeys_are_shown(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_cell_of_a_table_is_one_line() -> None:
    assert in_a_cell("a\r\nb\tc") == "a\\u000d\\nb\\tc"


def test_a_terminal_with_few_characters_gets_escapes_for_the_others() -> None:
    bytes_ = BytesIO()
    ascii_only = TextIOWrapper(bytes_, encoding="ascii", write_through=True)

    Terminal(OutputWrapper(ascii_only)).write("Größe 🎉")

    assert bytes_.getvalue() == b"Gr\\xf6\\xdfe \\U0001f389\n"


@pytest.mark.usefixtures("engine")
def test_a_task_cannot_command_the_terminal() -> None:
    failed = explode.enqueue("\x1b]0;owned\x07 \u202e")
    path = add.enqueue(1, 2)
    run_due()
    TaskRecord.objects.filter(pk=path.id).update(task_path="shop.tasks.\x1b[2J\nstate: ready")

    outputs = [said(verb, one.id) for verb in ("show", "why") for one in (failed, path)]

    for output in outputs:
        assert not {"\x1b", "\x07", "\u202e"} & set(output)
    assert "ValueError: \\u001b]0;owned\\u0007 \\u202e\n" in outputs[0]
    assert "task:       shop.tasks.\\u001b[2J\\nstate: ready\n" in outputs[1]
    assert "\x1b" not in refused("enqueue", "\x1b[2J")[1]


@pytest.mark.usefixtures("engine")
def test_every_command_says_that_tables_are_missing() -> None:
    for model in apps.get_app_config("djtasks").get_models():
        with connection.cursor() as cursor:
            table = model._meta.db_table
            cursor.execute(f"ALTER TABLE {table} RENAME TO gone_{table[-50:]}")

    for words in (
        ["status"], ["status", "--json"], ["schedules"], ["show", ID], ["why", ID], ["retry", ID],
        ["cancel", ID], ["discard", ID], ["pause", "mail"], ["resume", "mail"], ["prune"],
        ["enqueue", "tests.tasks.add", "[1, 2]"],
    ):  # fmt: skip
        with pytest.raises(CommandError) as refusal, transaction.atomic():
            call_command("djtasks", *words)
        text = str(refusal.value)
        assert text.startswith("The database 'default' returned an error: "), words
        assert text.endswith("Run: manage.py migrate djtasks --database default"), words
        assert "\n" not in text


def test_a_broker_that_does_not_answer_is_explained() -> None:
    with pytest.raises(CommandError) as refusal, explained_errors():
        raise BrokerUnavailable("Redis is\nloading")

    assert str(refusal.value) == (
        "Redis is loading. Check the broker's log. Meanwhile, workers fetch tasks from the "
        "database."
    )


def test_ctrl_c_ends_a_command_without_a_traceback() -> None:
    with pytest.raises(SystemExit) as ended, quiet_end():
        raise KeyboardInterrupt

    assert ended.value.code == 130


def test_a_command_whose_reader_has_gone_ends_without_a_traceback(tmp_path: Path) -> None:
    project = Project(tmp_path, tasks="")
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run(
        [sys.executable, "manage.py", "djtasks", "status"],
        cwd=project.folder,
        env=project.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (141, b"")
