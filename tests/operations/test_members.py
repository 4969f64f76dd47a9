"""Retry, cancel, discard and prune members of workflows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from djtasks.engine import Engine, engine_of
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.operations import cancel, discard, prune, reschedule, retry
from djtasks.operations.bulk.chunks import apply
from djtasks.operations.bulk.options import BulkOptions
from djtasks.operations.members import revive_workflow
from djtasks.operations.tasks import revival
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.flows import Flow, looked

pytestmark = pytest.mark.django_db(databases="__all__")

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State
DAY = timedelta(days=1)


@pytest.fixture
def engine(database: str) -> Engine:
    return engine_of("default")


def failed(engine: Engine, **columns: Any) -> tuple[Flow, WorkflowNode, WorkflowNode]:
    """Return a workflow that has failed with its first node and skipped the second."""
    flow = Flow(engine.store, **columns)
    first = flow.add(members=2)
    second = flow.add(first)
    looked(flow)
    flow.put(first, DONE, FAILED)
    looked(flow)
    assert flow.state is WorkflowState.FAILED
    return flow, first, second


def ids(flow: Flow, node: WorkflowNode) -> list[Any]:
    return list(flow.members(node).values_list("pk", flat=True))


def test_a_retried_member_waits_at_its_door_with_what_was_skipped_after_it(engine: Engine) -> None:
    flow, first, second = failed(engine, key="k")
    member = ids(flow, first)[1]

    done = retry(engine, [member])

    assert (done.changed, done.refused) == ([member], {})
    assert flow.member_states(first) == [DONE, WAITING]
    assert flow.members(first)[1].waits_for == f"node:{first.pk}"
    assert flow.member_states(second) == [WAITING]
    assert flow.states() == [PENDING, PENDING]
    assert (flow.state, flow.row.finished_at) == (WorkflowState.RUNNING, None)
    assert flow.row.unique_key == "k"

    looked(flow, every=True)
    assert flow.states() == [OPEN, PENDING]
    assert flow.member_states(first) == [DONE, READY]

    flow.put(first, DONE, DONE)
    looked(flow)
    assert flow.states() == [GOOD, OPEN]


def test_a_bulk_retry_does_the_same(engine: Engine) -> None:
    flow, first, _second = failed(engine)

    tally = apply(engine, "retry", ids(flow, first), BulkOptions(), window=(0, 1))

    assert tally.changed == 1
    assert flow.member_states(first) == [DONE, WAITING]
    assert flow.state is WorkflowState.RUNNING


def test_a_member_of_an_open_node_is_found_behind_the_cursor(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add(members=3)
    looked(flow)
    flow.put(node, FAILED, DONE, RUNNING)
    WorkflowNode.objects.using(flow.store.database).update(cursor=2)

    retry(engine, ids(flow, node)[:1])
    looked(flow)

    assert flow.member_states(node) == [READY, DONE, RUNNING]
    assert (flow.node(node).cursor, flow.states()) == (0, [OPEN])


def test_what_its_node_tolerated_stays(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add(members=2, tolerate="1", name="parse")
    looked(flow)
    flow.put(node, DONE, FAILED)
    looked(flow)
    member = ids(flow, node)[1]

    assert retry(engine, [member]).refused == {member: "Its node parse succeeded without it."}
    assert flow.state is WorkflowState.SUCCESSFUL


def test_a_member_of_a_workflow_that_is_being_cancelled_stays(engine: Engine) -> None:
    flow = Flow(engine.store, cancel_requested=True)
    node = flow.add()
    flow.put(node, CANCELLED)
    (member,) = ids(flow, node)

    assert retry(engine, [member]).refused == {member: "Its workflow is being cancelled."}


def test_a_member_whose_workflow_was_deleted_is_retried_alone(engine: Engine) -> None:
    flow, first, _second = failed(engine)
    WorkflowRecord.objects.using(engine.database).all().delete()
    member = ids(flow, first)[1]

    assert retry(engine, [member]).changed == [member]
    assert flow.member_states(first) == [DONE, READY]


def test_a_taken_key_of_the_workflow_refuses_the_retry(engine: Engine) -> None:
    flow, first, _second = failed(engine, key="k")
    Flow(engine.store, key="k", unique_key="k")
    member = ids(flow, first)[1]

    done = retry(engine, [member])

    assert list(done.refused) == [member]
    assert (flow.state, flow.states()) == (WorkflowState.FAILED, [BAD, SKIPPED])
    assert flow.member_states(first) == [DONE, FAILED]


def test_all_that_failed_in_a_workflow_is_retried(engine: Engine) -> None:
    flow, first, second = failed(engine)

    assert revive_workflow(engine, flow.id, revival(engine, {})) == 2

    assert flow.member_states(first) == [DONE, WAITING]
    assert flow.member_states(second) == [WAITING]
    assert flow.states() == [PENDING, PENDING]


def test_a_cancelled_member_leaves_its_door(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()

    assert cancel(engine, ids(flow, node)) == 1

    row = flow.members(node).get()
    assert (row.state, row.waits_for) == (CANCELLED, None)
    looked(flow)
    assert flow.states() == [BAD]


def test_a_discarded_member_no_longer_counts(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()

    assert len(discard(engine, ids(flow, node)).changed) == 1
    looked(flow)

    assert flow.state is WorkflowState.SUCCESSFUL


def test_a_waiting_member_can_be_rescheduled(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    later = engine.now() + DAY

    assert reschedule(engine, ids(flow, node), later) == 1
    assert looked(flow).hints == []

    assert flow.members(node).get().run_after == later


def age(engine: Engine, days: int) -> None:
    for model in (TaskRecord, WorkflowRecord):
        rows: Any = model._base_manager.using(engine.database)
        rows.filter(finished_at__isnull=False).update(finished_at=F("finished_at") - days * DAY)


def rows_left(engine: Engine) -> list[int]:
    models = (TaskRecord, WorkflowNode, WorkflowEdge, WorkflowRecord)
    return [model._base_manager.using(engine.database).count() for model in models]


def test_members_are_kept_while_their_workflow_is(engine: Engine) -> None:
    flow, first, _second = failed(engine)
    flow.change(state=WorkflowState.RUNNING, finished_at=None)
    age(engine, 99)

    assert sum(prune(engine)) == 0
    assert flow.members(first).count() == 2


def test_a_workflow_is_pruned_as_a_whole_by_its_own_age(engine: Engine) -> None:
    failed(engine)
    age(engine, 29)
    assert sum(prune(engine)) == 0

    age(engine, 2)

    assert sum(prune(engine, page=2)) == 3
    assert rows_left(engine) == [0, 0, 0, 0]


def test_members_of_a_deleted_workflow_are_pruned_like_others(engine: Engine) -> None:
    failed(engine)
    WorkflowRecord.objects.using(engine.database).all().delete()
    age(engine, 31)

    assert sum(prune(engine)) == 3


def test_a_workflow_that_is_being_deleted_cannot_be_retried(engine: Engine) -> None:
    flow, first, _second = failed(engine)
    flow.change(is_pruned=True)
    member = ids(flow, first)[1]

    assert retry(engine, [member]).refused == {member: "Its workflow is being deleted."}
    assert revive_workflow(engine, flow.id, revival(engine, {})) == 0
