"""What the commands print for scripts is what the reference says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord
from djtasks.operations import pause_queue
from djtasks.testing import run_due
from tests.admin.failing import Failing, group_of
from tests.management.test_djtasks_command import said
from tests.structure import ROOT
from tests.tasks import explode

pytestmark = pytest.mark.usefixtures("engine")

REFERENCE = (ROOT / "docs" / "reference" / "commands.md").read_text()
# Values whose keys are names or values of the project.
FREE = {"states", "scheduler.broken", "scheduler.skipping", "kwargs", "tasks[].kwargs"}


def documented(command: str) -> set[str]:
    """Return the keys in the table of a command."""
    section = REFERENCE.split(f"#### {command} --json\n")[1].split("\n#")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall("`([^`]+)`", row)}


def keys_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield the keys of JSON with the way to them, such as `queues[].pause.by`."""
    if isinstance(value, list):
        for item in value:
            yield from keys_in(item, f"{name}[]") if isinstance(item, dict) else ()
    elif isinstance(value, dict) and name not in FREE:
        for key, below in value.items():
            path = f"{name}.{key}" if name else key
            yield path
            yield from keys_in(below, path)


@pytest.fixture
def failed() -> str:
    """Two tasks that have failed in the same way, a pause, and a worker that runs a task."""
    ids = [explode.enqueue("no paper").id for _ in range(2)]
    run_due()
    pause_queue(engine_of("default"), "mail", by="ada")
    group_of(engine_of("default"), Failing(path="tests.tasks.explode"))
    task = {"id": ids[0], "path": "p", "queue": "default", "attempt": 1, "started_at": None}
    row = {"backend": "default", "supervisor": new_id(), "pid": 7, "slots": 8, "tasks": [task]}
    WorkerRecord.objects.create(**row)
    return ids[0]


@pytest.mark.parametrize("command", ["list", "show", "failures", "status"])
def test_the_reference_has_every_key_and_no_other(command: str, failed: str) -> None:
    words = {"list": ["--arguments"], "show": [failed]}.get(command, [])
    facts = json.loads(said(command, *words, "--json"))

    objects = facts if isinstance(facts, list) else [facts]
    assert {key for one in objects for key in keys_in(one)} == documented(command)
