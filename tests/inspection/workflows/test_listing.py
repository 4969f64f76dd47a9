"""Lists of workflows: their order, their filters, and how far each is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from djtasks.engine import Engine, engine_of
from djtasks.inspection.workflows import listing
from djtasks.inspection.workflows.listing import has_workflows, phase_counts, workflow_page
from djtasks.models import WorkflowNode
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.workflow_rows import Node, flow

everywhere = pytest.mark.django_db(databases="__all__")
MAP = Node(
    name="load",
    state=NodeState.OPEN,
    members={State.SUCCESSFUL: 6, State.FAILED: 1, State.WAITING: 3},
)


def names(engine: Engine, **asked: object) -> list[str]:
    return [row.name for row in workflow_page(engine, **asked).rows]  # type: ignore[arg-type]


@everywhere
def test_what_is_not_over_comes_first_then_the_newest(database: str) -> None:
    engine = engine_of("default")
    flow(engine, "running", [MAP])
    flow(engine, "older", [], state=WorkflowState.FAILED)
    flow(engine, "newer", [], state=WorkflowState.SUCCESSFUL)

    assert names(engine) == ["running", "newer", "older"]
    assert [names(engine, start=start, count=1) for start in range(4)] == [
        ["running"], ["newer"], ["older"], [],
    ]  # fmt: skip
    assert workflow_page(engine, count=2).has_more
    assert not workflow_page(engine, count=3).has_more


def test_a_page_is_filtered_by_phase_name_target_and_id(engine: Engine) -> None:
    row = flow(engine, "import of 100%", [], target="shop.upload:7")
    flow(engine, "paused", [], is_paused=True)
    flow(engine, "bad", [], state=WorkflowState.FAILED)

    assert names(engine, phase="running") == ["import of 100%"]
    assert names(engine, phase="paused") == ["paused"]
    assert names(engine, phase="failed") == ["bad"]
    assert names(engine, text="OF 100%") == ["import of 100%"]
    assert names(engine, text="shop.upload:7") == ["import of 100%"]
    assert names(engine, text=str(row.pk)) == ["import of 100%"]
    assert names(engine, text="nothing") == []
    assert phase_counts(engine) == {
        "running": 1, "paused": 1, "failed": 1, "successful": 0, "cancelled": 0,
    }  # fmt: skip
    assert has_workflows(engine)


def test_progress_is_counted_by_members(engine: Engine) -> None:
    later = Node(name="render", over="load", members={})
    flow(engine, "import", [MAP, Node(name="merge", after=["load"]), later])

    (row,) = workflow_page(engine).rows

    assert (row.over, row.size, row.counts.failed) == (7, 11, 1)
    assert row.failing == ["load"]
    assert row.open == ["load"]
    assert row.unsized == 1
    assert not row.is_estimate


def test_progress_of_what_is_over_needs_no_count(engine: Engine) -> None:
    done = Node(name="a", state=NodeState.SUCCESSFUL, members={State.SUCCESSFUL: 4})
    skipped = Node(name="b", state=NodeState.SKIPPED, members={State.CANCELLED: 2})
    flow(engine, "import", [done, skipped], state=WorkflowState.SUCCESSFUL)

    with CaptureQueriesContext(connection) as queries:
        (row,) = workflow_page(engine).rows

    assert (row.over, row.counts.successful, row.counts.cancelled) == (6, 4, 2)
    assert not any("djtasks_taskrecord" in one["sql"] for one in queries)


def test_a_node_too_large_to_count_is_estimated_by_its_cursor(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_COUNTED", 5)
    flow(engine, "import", [MAP])
    WorkflowNode.objects.update(cursor=4)

    (row,) = workflow_page(engine).rows

    assert (row.over, row.size) == (4, 10)
    assert row.is_estimate


def test_a_page_takes_few_queries_however_many_workflows(engine: Engine) -> None:
    for number in range(30):
        flow(engine, f"flow {number}", [MAP])

    with CaptureQueriesContext(connection) as queries:
        page = workflow_page(engine)

    assert len(page.rows) == 25
    assert page.has_more
    assert len(queries) <= 9
