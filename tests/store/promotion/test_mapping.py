"""The members of `map(over=...)`."""

from datetime import timedelta
from typing import Any

import pytest

from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.store import Store
from tests.flows import Flow, looked

pytestmark = pytest.mark.django_db(databases="__all__")

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


OPTIONS = {"queue": "mail", "priority": 7, "max_attempts": 3, "max_crashes": 2, "timeout": 1.5}


def opened_over(flow: Flow, value: Any, **columns: Any) -> Any:
    first = flow.add(name="list")
    node = flow.add(first, over=0, is_map=True, name="pack", options=OPTIONS, **columns)
    looked(flow)
    flow.put(first, DONE, return_value=value)
    looked(flow)
    return node


def test_a_map_makes_its_members_of_a_result(store: Store) -> None:
    flow = Flow(store, expires_at=store.now() + timedelta(hours=1))
    node = opened_over(flow, ["a", {"b": 1}, None], kwargs={"size": 3}, inputs={"first": 0})

    rows = list(flow.members(node))

    assert [row.args for row in rows] == [["a"], [{"b": 1}], [None]]
    assert [row.place for row in rows] == [0, 1, 2]
    assert flow.member_states(node) == [READY] * 3
    assert flow.node(node).size == 3
    for row in rows:
        assert (row.kwargs, row.inputs) == ({"size": 3}, {"first": 0})
        assert (row.queue, row.priority, row.max_attempts, row.max_crashes) == ("mail", 7, 3, 2)
        assert row.timeout == timedelta(seconds=1.5)
        assert (row.workflow, row.node) == (flow.id, node.pk)
        assert row.expires_at == flow.row.expires_at


def test_a_map_over_an_empty_list_is_over_at_once(store: Store) -> None:
    flow = Flow(store)
    opened_over(flow, [])

    assert flow.states() == [GOOD, GOOD]
    assert flow.state is WorkflowState.SUCCESSFUL


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, "'pack' needs a list to make its tasks from, but 'list' returned an object."),
        (None, "returned nothing"),
        ("x", "returned a text"),
        (["x" * 300_000], "returned 300,004 bytes, but map(over=...) takes at most 262,144"),
    ],
    ids=repr,
)
def test_a_map_over_something_else_fails_its_node(store: Store, value: Any, message: str) -> None:
    flow = Flow(store)
    node = opened_over(flow, value)

    assert flow.states() == [GOOD, BAD]
    assert flow.state is WorkflowState.FAILED
    error = flow.node(node).error
    assert error["class"] == "djtasks.errors.CannotMap"
    assert message in error["message"]
