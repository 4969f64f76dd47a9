"""Looks at workflows that are paused or cancelled, and at large nodes."""

import pytest

from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.store import Store
from djtasks.store.promotion import Look, Pages, rounds
from tests.flows import Flow, looked

pytestmark = pytest.mark.django_db(databases="__all__")

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


def test_a_node_whose_condition_cannot_be_met_is_skipped_with_what_follows(store: Store) -> None:
    flow = Flow(store)
    first = flow.add(name="parse")
    second = flow.add(first, name="merge")
    third = flow.add(second, name="tell")
    looked(flow)
    flow.put(first, FAILED)

    found = looked(flow)

    assert flow.states() == [BAD, SKIPPED, SKIPPED]
    assert [flow.node(node).because_of for node in (second, third)] == [0, 0]
    assert found.ended == [(flow.id, WorkflowState.FAILED)]
    for node in (second, third):
        row = flow.members(node).get()
        assert (row.state, row.waits_for, row.unique_key) == (CANCELLED, None, None)
        assert row.finished_at is not None
        assert row.errors[-1]["class"] == "djtasks.errors.NodeSkipped"
        assert "since the node 'parse' failed" in row.errors[-1]["message"]


def test_nothing_opens_and_nothing_is_promoted_while_paused(store: Store) -> None:
    flow = Flow(store)
    first = flow.add()
    second = flow.add(first)
    looked(flow)
    flow.put(first, DONE)
    flow.change(is_paused=True)

    looked(flow, every=True)
    assert flow.states() == [GOOD, PENDING]

    flow.change(is_paused=False)
    looked(flow)
    assert flow.states() == [GOOD, PENDING]

    looked(flow, every=True)
    assert flow.states() == [GOOD, OPEN]
    assert flow.member_states(second) == [READY]


def test_members_of_a_paused_workflow_stay_at_their_door(store: Store) -> None:
    flow = Flow(store, is_paused=True)
    node = flow.add()

    assert looked(flow) == Look()
    assert flow.member_states(node) == [WAITING]


def test_a_cancel_is_carried_out(store: Store) -> None:
    flow = Flow(store)
    first = flow.add(members=4)
    second = flow.add(first)
    looked(flow)
    flow.put(first, DONE, RUNNING, READY, WAITING)
    flow.change(cancel_requested=True)

    looked(flow)

    assert flow.states() == [OPEN, SKIPPED]
    assert flow.member_states(first) == [DONE, RUNNING, CANCELLED, CANCELLED]
    assert flow.members(first).get(place=1).cancel_requested
    assert flow.member_states(second) == [CANCELLED]
    assert flow.members(second).get().errors is None

    flow.put(first, DONE, CANCELLED)
    assert looked(flow).ended == [(flow.id, WorkflowState.CANCELLED)]


def test_a_cancel_that_came_too_late_changes_nothing(store: Store) -> None:
    flow = Flow(store)
    node = flow.add()
    looked(flow)
    flow.put(node, DONE)
    flow.change(cancel_requested=True)

    assert looked(flow).ended == [(flow.id, WorkflowState.SUCCESSFUL)]


def test_a_large_node_is_opened_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "PAGE", 2)
    flow = Flow(store)
    node = flow.add(members=5)
    pages = Pages()

    assert looked(flow, pages=pages).again == {flow.id}
    assert flow.member_states(node) == [READY, READY, WAITING, WAITING, WAITING]
    assert looked(flow, pages=pages).again == {flow.id}
    assert not looked(flow, pages=pages).again
    assert flow.member_states(node) == [READY] * 5


def test_what_a_page_has_left_behind_is_found_from_the_front(store: Store) -> None:
    flow = Flow(store)
    node = flow.add(members=3)
    type(node).objects.using(store.database).filter(pk=node.pk).update(size=1_000)
    pages = Pages()
    looked(flow, pages=pages)
    flow.put(node, WAITING)

    assert looked(flow, pages=pages).again == {flow.id}
    assert not looked(flow, pages=pages).again
    assert flow.member_states(node) == [READY] * 3


def test_a_large_skipped_node_is_cancelled_page_by_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow(store)
    first = flow.add()
    second = flow.add(first, members=5)
    looked(flow)
    flow.put(first, FAILED)
    monkeypatch.setattr(rounds, "PAGE", 2)

    found = looked(flow)
    assert (found.leftover, found.ended) == ({flow.id}, [])
    assert flow.state is WorkflowState.RUNNING
    assert looked(flow, every=True).leftover == {flow.id}
    assert looked(flow, every=True).ended == [(flow.id, WorkflowState.FAILED)]
    assert flow.member_states(second) == [CANCELLED] * 5


@pytest.mark.parametrize("size", [1, 1_000])
def test_the_cursor_is_behind_what_is_over(store: Store, size: int) -> None:
    flow = Flow(store)
    node = flow.add(members=4)
    flow.put(node, DONE, DONE, READY, READY)
    flow.members(node).filter(place__gte=2).update(place=1_000)
    type(node).objects.using(store.database).filter(pk=node.pk).update(size=size)

    looked(flow)

    assert flow.node(node).cursor == 1_000
    assert flow.states() == [OPEN]


@pytest.mark.parametrize("size", [1, 1_000])
def test_small_and_large_nodes_are_moved_alike(store: Store, size: int) -> None:
    flow = Flow(store)
    node = flow.add(members=3)
    type(node).objects.using(store.database).filter(pk=node.pk).update(size=size)

    found = looked(flow)

    assert flow.member_states(node) == [READY] * 3
    assert len(found.hints) == 3
    flow.put(node, DONE, DONE, DONE)
    assert looked(flow).ended == [(flow.id, WorkflowState.SUCCESSFUL)]
