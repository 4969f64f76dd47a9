"""`djtasks workflow ID`, and `djtasks workflows`."""

import json
import re
from uuid import UUID

import pytest
from django.test import override_settings

from djtasks.engine import Engine, forget_engines
from djtasks.formats.ids import new_id
from djtasks.management.subcommands import workflow
from djtasks.models import WorkflowRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.management.test_djtasks_command import refused, said
from tests.settings import TASKS
from tests.workflow_rows import MINUTE, Node, flow

NODES = [
    Node(name="split", state=NodeState.SUCCESSFUL),
    Node(
        name="load",
        state=NodeState.OPEN,
        over="split",
        members={State.SUCCESSFUL: 5, State.FAILED: 1, State.RUNNING: 4},
        columns={"tolerate": "2"},
    ),
    Node(name="merge", after=["load"]),
]


def row_of(id_: UUID) -> WorkflowRecord:
    return WorkflowRecord.objects.get(pk=id_)


def test_workflows_lists_them_with_their_progress(engine: Engine) -> None:
    running = flow(engine, "import\x1b[2J", NODES, target="shop.upload:7", began=3 * MINUTE)
    flow(engine, "export", [], state=WorkflowState.FAILED)

    lines = said("workflows").splitlines()

    assert lines[1].split()[:6] == [str(running.pk), "running", "7", "of", "12", "1"]
    assert lines[1].endswith("import\\u001b[2J (about shop.upload:7)")
    assert "failed" in lines[2]
    assert lines[-1] == "2 shown. For one of them: manage.py djtasks workflow ID"


def test_workflows_are_filtered(engine: Engine) -> None:
    flow(engine, "import", NODES)
    flow(engine, "export", [], state=WorkflowState.FAILED)

    assert "export" not in said("workflows", "--state", "running")
    assert "import" not in said("workflows", "EXP")
    assert said("workflows", "nothing") == "No workflow was found.\n"
    assert "There are more: --limit 10." in said("workflows", "--limit", "1")
    assert refused("workflows", "--limit", "0")[1] == "--limit must be from 1 to 1,000, got 0."


def test_without_workflows_the_list_says_so(engine: Engine) -> None:
    assert said("workflows") == "No workflow was ever made.\n"


def test_workflows_prints_json_for_scripts(engine: Engine) -> None:
    row = flow(engine, "import", NODES)

    (found,) = json.loads(said("workflows", "--json"))

    assert (found["id"], found["phase"], found["over"]) == (str(row.pk), "running", 7)


def test_a_workflow_is_shown_with_what_holds_it_its_nodes_and_failures(engine: Engine) -> None:
    row = flow(engine, "import", NODES, began=3 * MINUTE)

    text = said("workflow", str(row.pk))

    assert "progress:   running [#################.............] 58 %, 7 of 12 tasks" in text
    assert "not known: no workflow of this name has succeeded yet" in text
    assert "load runs: 6 of 10 are over, 4 run now." in text
    assert "1 task of load failed; up to 2 may." in text
    assert "merge comes after that." in text
    assert re.search(r"load +running +6 of 10 +1 +1 min( \d+ s)? +split", text)
    assert "1 of KeyError: 'price'" in text


@override_settings(
    TASKS={
        "default": TASKS["default"] | {"OPTIONS": {"private_errors": True, "broker": "database"}}
    }
)
def test_messages_of_errors_may_be_private(engine: Engine) -> None:
    forget_engines()
    row = flow(engine, "import", NODES)

    assert "'price'" not in said("workflow", str(row.pk))


def test_a_workflow_prints_json_for_scripts(engine: Engine) -> None:
    row = flow(engine, "import", NODES)

    found = json.loads(said("workflow", str(row.pk), "--json"))

    assert (found["name"], found["state"]) == ("import", "running")
    assert [node["before"] for node in found["nodes"]] == [[], ["split"], ["load"]]
    assert found["critical"] == ["split", "load"]
    assert found["counts"]["failed"] == 1


@pytest.mark.usefixtures("engine")
def test_a_workflow_that_is_gone_is_not_known() -> None:
    assert refused("workflow", str(gone := new_id()))[1].startswith(f"There is no workflow {gone}:")


def test_a_workflow_is_paused_and_resumed(engine: Engine) -> None:
    row = flow(engine, "import", NODES)

    assert said("workflow", str(row.pk), "--pause").startswith("It is paused")
    assert row_of(row.pk).is_paused
    assert refused("workflow", str(row.pk), "--pause")[1] == "It is paused, so it cannot be paused."
    assert said("workflow", str(row.pk), "--resume") == "It goes on.\n"
    assert not row_of(row.pk).is_paused
    assert refused("workflow", str(row.pk), "--resume")[1] == "It is running, and not paused."


def test_a_workflow_is_cancelled_and_retried(engine: Engine) -> None:
    row = flow(engine, "import", NODES)

    assert said("workflow", str(row.pk), "--cancel").startswith("It is cancelled")
    assert row_of(row.pk).cancel_requested
    assert said("workflow", str(row.pk), "--retry").startswith("1 tasks go back")
    assert not row_of(row.pk).cancel_requested


def test_nothing_is_done_to_a_workflow_that_succeeded(engine: Engine) -> None:
    row = flow(engine, "import", NODES[:1], state=WorkflowState.SUCCESSFUL)

    for change in ("cancel", "pause", "retry"):
        assert "succe" in refused("workflow", str(row.pk), f"--{change}")[1]


def test_watching_ends_with_the_workflow(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    row = flow(engine, "import", NODES)

    class Pause:
        @staticmethod
        def wait(_seconds: float) -> None:
            WorkflowRecord.objects.update(
                state=WorkflowState.FAILED, finished_at=engine.store.now()
            )

    monkeypatch.setattr(workflow, "_never", Pause)

    text, error = refused("workflow", str(row.pk), "--watch")

    assert text.startswith("running [#####")
    assert "It failed, after" in text
    assert error == f"Workflow {row.pk} is failed."
