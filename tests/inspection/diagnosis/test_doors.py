"""Why a member of a workflow waits."""

from typing import Any

import pytest

from djtasks.engine import Engine, engine_of
from djtasks.inspection.diagnosis.reasons import why_not_running
from djtasks.inspection.diagnosis.why import facts_for_why
from djtasks.models import WorkerRecord, WorkflowNode
from tests.flows import Flow

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def engine(database: str) -> Engine:
    return engine_of("default")


def why(engine: Engine, flow: Flow, node: WorkflowNode) -> str:
    facts = facts_for_why(engine, flow.members(node)[0].pk)
    assert facts is not None
    (reason,) = why_not_running(facts)
    assert (reason.kind, reason.holds) == ("waiting", True)
    return reason.text


def test_it_names_the_nodes_before(engine: Engine) -> None:
    flow = Flow(engine.store, name="import")
    before = [flow.add(name=f"n{number}") for number in range(5)]
    node = flow.add(*before, name="merge")

    assert why(engine, flow, node) == (
        "Its node “merge” of the workflow “import” comes after “n0”, “n1”, “n2” and 2 more."
    )


def test_a_member_at_an_open_door_is_about_to_begin(engine: Engine) -> None:
    flow = Flow(engine.store, name="import")

    text = why(engine, flow, flow.add(name="list"))

    assert text == "Its node “list” of the workflow “import” is about to begin."


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"is_paused": True}, "Its workflow “import” is paused."),
        ({"cancel_requested": True}, "Its workflow “import” is being cancelled."),
    ],
)
def test_it_tells_of_the_workflow(engine: Engine, columns: dict[str, Any], text: str) -> None:
    flow = Flow(engine.store, name="import", **columns)

    assert why(engine, flow, flow.add()) == text


def test_it_tells_of_workers_of_an_older_version(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    older = WorkerRecord(
        supervisor=flow.id, backend="default", host="h", pid=1, version="0", slots=1
    )
    older.save(using=engine.database, force_insert=True)

    assert "does not know workflows" in why(engine, flow, node)


def test_it_tells_of_a_deleted_node(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    WorkflowNode.objects.using(engine.database).all().delete()

    assert "was deleted" in why(engine, flow, node)
