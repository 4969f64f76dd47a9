"""What a look makes of a workflow's rows, on each database."""

from datetime import timedelta

import pytest

from djtasks.models import WorkerRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, When, WorkflowState
from djtasks.store import Store
from djtasks.store.promotion import Look, look
from tests.flows import Flow, looked

pytestmark = pytest.mark.django_db(databases="__all__")

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


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
