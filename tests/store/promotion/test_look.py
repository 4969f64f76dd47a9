"""What a look makes of a workflow's rows, on each database."""

from datetime import timedelta
from typing import Any

import pytest

from djtasks.models import WorkerRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, When, WorkflowState
from djtasks.store import Store, open_store
from djtasks.store.promotion import Look, Pages, look, rounds
from tests.flows import Flow

pytestmark = pytest.mark.django_db(databases="__all__")

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


@pytest.fixture
def store(database: str) -> Store:
    return open_store("default")


def looked(flow: Flow, **options: Any) -> Look:
    return look(flow.store, [flow.id], **options)


def test_members_of_an_open_node_become_ready_and_due(store: Store) -> None:
    flow = Flow(store)
    node = flow.add(members=3)

    found = looked(flow)

    assert flow.member_states(node) == [READY] * 3
    assert [hint.id for hint in found.hints] == [row.pk for row in flow.members(node)]
    assert {row.waits_for for row in flow.members(node)} == {None}
    assert all(row.run_after >= flow.row.enqueued_at for row in flow.members(node))
    assert found.changed == {flow.id}
    assert not found.again


def test_a_second_look_changes_nothing(store: Store) -> None:
    flow = Flow(store)
    flow.add(members=3)
    looked(flow)

    assert looked(flow) == Look()


def test_a_promoted_member_has_not_waited_at_its_door_for_a_worker(store: Store) -> None:
    flow = Flow(store)
    node = flow.add()
    long_ago = store.now() - timedelta(hours=5)
    flow.members(node).update(run_after=long_ago)

    looked(flow)

    assert store.now() - flow.members(node).get().run_after < timedelta(minutes=1)


def test_a_member_that_is_due_later_gets_no_hint_yet(store: Store) -> None:
    flow = Flow(store)
    node = flow.add()
    later = store.now() + timedelta(hours=1)
    flow.members(node).update(run_after=later)

    assert looked(flow).hints == []
    assert flow.member_states(node) == [READY]
    assert flow.members(node).get().run_after == later


def test_a_node_opens_when_all_before_it_succeeded(store: Store) -> None:
    flow = Flow(store)
    first, second = flow.add(members=2), flow.add()
    third = flow.add(first, second)
    looked(flow)
    flow.put(first, DONE, RUNNING)
    flow.put(second, DONE)

    looked(flow)
    assert flow.states() == [OPEN, GOOD, PENDING]
    assert flow.member_states(third) == [WAITING]

    flow.put(first, DONE, DONE)
    looked(flow)
    assert flow.states() == [GOOD, GOOD, OPEN]
    assert flow.member_states(third) == [READY]
    assert flow.state is WorkflowState.RUNNING


@pytest.mark.parametrize("live", [READY, RUNNING])
def test_a_member_that_is_not_over_keeps_its_node_open(store: Store, live: State) -> None:
    flow = Flow(store)
    node = flow.add(members=2)
    looked(flow)
    flow.put(node, FAILED, live)

    looked(flow)

    assert flow.states() == [OPEN]


def test_a_workflow_is_over_when_its_nodes_are(store: Store) -> None:
    flow = Flow(store, key="k", unique_key="k")
    first = flow.add()
    second = flow.add(first)
    looked(flow)
    flow.put(first, DONE)
    looked(flow)
    flow.put(second, DONE)

    found = looked(flow)

    assert found.ended == [(flow.id, WorkflowState.SUCCESSFUL)]
    assert (flow.state, flow.row.unique_key) == (WorkflowState.SUCCESSFUL, None)
    assert flow.row.finished_at is not None
    assert looked(flow) == Look()


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


def test_a_node_for_failures_runs_after_one(store: Store) -> None:
    flow = Flow(store)
    first = flow.add()
    second = flow.add(first)
    rescue = flow.add(second, when=When.FAILURE)
    looked(flow)
    flow.put(first, FAILED)

    looked(flow)

    assert flow.states() == [BAD, SKIPPED, OPEN]
    assert flow.member_states(rescue) == [READY]


def test_a_node_for_failures_that_is_not_needed_is_no_failure(store: Store) -> None:
    flow = Flow(store)
    first = flow.add()
    rescue = flow.add(first, when=When.FAILURE)
    after = flow.add(rescue, when=When.FAILURE)
    looked(flow)
    flow.put(first, DONE)

    found = looked(flow)

    assert flow.states() == [GOOD, SKIPPED, SKIPPED]
    assert flow.node(after).because_of is None
    assert found.ended == [(flow.id, WorkflowState.SUCCESSFUL)]


def test_a_node_that_may_fail_does_not_fail_its_workflow(store: Store) -> None:
    flow = Flow(store)
    first = flow.add(may_fail=True)
    fallback = flow.add(first, when=When.FAILURE)
    looked(flow)
    flow.put(first, FAILED)
    looked(flow)
    flow.put(fallback, DONE)

    assert looked(flow).ended == [(flow.id, WorkflowState.SUCCESSFUL)]


@pytest.mark.parametrize(
    ("tolerate", "state"), [("", BAD), ("1", BAD), ("2", GOOD), ("49%", BAD), ("50%", GOOD)]
)
def test_some_members_may_fail(store: Store, tolerate: str, state: NodeState) -> None:
    flow = Flow(store)
    node = flow.add(members=4, tolerate=tolerate)
    looked(flow)
    flow.put(node, FAILED, EXPIRED, DONE, DONE)

    looked(flow)

    assert flow.states() == [state]


def test_a_member_that_was_deleted_no_longer_counts(store: Store) -> None:
    flow = Flow(store)
    first = flow.add(members=2)
    flow.add(first)
    looked(flow)
    flow.members(first).filter(place=0).delete()
    flow.put(first, DONE)

    looked(flow)

    assert flow.states() == [GOOD, OPEN]


def test_a_node_after_all_waits_for_nodes_that_are_added_later(store: Store) -> None:
    flow = Flow(store)
    tell = flow.add(after_all=True, when=When.DONE)
    first = flow.add()
    looked(flow)
    later = flow.add(first)
    flow.put(first, DONE)
    looked(flow)
    assert flow.states() == [PENDING, GOOD, OPEN]

    flow.put(later, FAILED)
    looked(flow)

    assert flow.states() == [OPEN, GOOD, BAD]
    assert flow.member_states(tell) == [READY]


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


def test_members_wait_while_a_worker_of_an_older_version_lives(store: Store) -> None:
    older = WorkerRecord(
        supervisor=Flow(store).id, backend="default", host="h", pid=1, version="0", slots=1
    )
    older.save(using=store.database, force_insert=True)
    flow = Flow(store)
    node = flow.add()

    assert looked(flow) == Look()
    assert flow.member_states(node) == [WAITING]

    older.delete(using=store.database)
    assert len(looked(flow).hints) == 1


def test_many_workflows_are_looked_at_together(store: Store) -> None:
    flows = [Flow(store) for _ in range(3)]
    nodes = [(first := flow.add(), flow.add(first)) for flow in flows]
    ids = [flow.id for flow in flows]
    assert len(look(store, ids).hints) == 3
    for flow, (first, _second) in zip(flows, nodes, strict=True):
        flow.put(first, DONE if flow is not flows[1] else FAILED)

    found = look(store, ids)

    assert [flow.states() for flow in flows] == [[GOOD, OPEN], [BAD, SKIPPED], [GOOD, OPEN]]
    assert found.ended == [(flows[1].id, WorkflowState.FAILED)]


def test_workflows_of_other_aliases_are_not_ours(store: Store) -> None:
    flow = Flow(store, backend="other")
    flow.add()

    assert looked(flow) == Look()


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
