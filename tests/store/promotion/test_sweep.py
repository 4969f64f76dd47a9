"""The sweep finds what a dead process dropped, and nothing else."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from djtasks.models import WorkflowNode, WorkflowRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState
from djtasks.store import Store
from djtasks.store.promotion import Sweep, look, sweep
from tests.flows import Flow, looked

pytestmark = pytest.mark.django_db(databases="__all__")

READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


def found(store: Store) -> set[Any]:
    return Sweep(store).page()


def running(store: Store) -> tuple[Flow, WorkflowNode, WorkflowNode]:
    """Return a workflow of two nodes whose first one runs."""
    flow = Flow(store)
    first = flow.add()
    second = flow.add(first)
    looked(flow)
    flow.put(first, RUNNING)
    return flow, first, second


def test_what_goes_on_by_itself_is_left_alone(store: Store) -> None:
    running(store)

    assert found(store) == set()
    assert Sweep(store).everything() == set()


def test_a_workflow_whose_first_hint_was_lost(store: Store) -> None:
    flow = Flow(store)
    flow.add()

    assert found(store) == {flow.id}
    assert Sweep(store).opened() == {flow.id}


def test_a_node_whose_last_member_ended(store: Store) -> None:
    flow, first, _second = running(store)
    flow.put(first, DONE)

    assert found(store) == {flow.id}


def test_a_pending_node_whose_predecessors_are_over(store: Store) -> None:
    flow, first, _second = running(store)
    flow.add()  # keeps the workflow from being over
    looked(flow)
    flow.put(first, DONE)
    WorkflowNode.objects.using(store.database).filter(pk=first.pk).update(
        state=NodeState.SUCCESSFUL
    )

    assert found(store) == {flow.id}
    look(store, [flow.id], every=True)
    assert found(store) == set()


def test_a_cancel(store: Store) -> None:
    flow, _first, _second = running(store)
    flow.change(cancel_requested=True)

    assert found(store) == {flow.id}


def test_a_workflow_whose_nodes_are_over(store: Store) -> None:
    flow, _first, _second = running(store)
    WorkflowNode.objects.using(store.database).update(state=NodeState.SUCCESSFUL)

    assert found(store) == {flow.id}


def test_a_workflow_without_nodes(store: Store) -> None:
    flow = Flow(store)

    assert found(store) == {flow.id}
    assert len(look(store, [flow.id], every=True).ended) == 1


def test_a_paused_workflow_waits(store: Store) -> None:
    flow = Flow(store, is_paused=True)
    flow.add()

    assert found(store) == set()


def test_a_workflow_that_is_over_is_left_alone(store: Store) -> None:
    flow, first, second = running(store)
    flow.put(first, FAILED)
    looked(flow)

    assert flow.member_states(second) == [CANCELLED]
    assert found(store) == set()


def test_where_no_workflow_runs_it_asks_once(
    store: Store, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    idle = Sweep(store)

    with django_assert_num_queries(1, using=store.database):
        assert idle.page() == set()


def test_page_after_page_reaches_everything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "PAGE", 2)
    flows = [Flow(store) for _ in range(5)]
    for flow in flows:
        flow.add()
    rounds = Sweep(store)

    pages = [rounds.opened() for _ in range(2)]
    each = [rounds.page() for _ in range(3)]

    assert [len(page) for page in pages] == [2, 2]
    assert set().union(*each) == {flow.id for flow in flows}
    assert rounds.everything() == {flow.id for flow in flows}
    assert rounds.page() == each[0]


@pytest.mark.parametrize("model", [WorkflowNode, WorkflowRecord])
def test_members_of_what_was_deleted_by_sql_are_cancelled(store: Store, model: Any) -> None:
    flow = Flow(store)
    node = flow.add(members=3)
    other = Flow(store)
    kept = other.add()
    key = {"pk": node.pk} if model is WorkflowNode else {"pk": flow.id}
    model.objects.using(store.database).filter(**key).delete()

    assert Sweep(store).cancel_orphans() == 3

    assert flow.member_states(node) == [CANCELLED] * 3
    assert other.member_states(kept) == [WAITING]


def test_the_mark_moves_with_the_nodes(store: Store) -> None:
    flow, first, _second = running(store)
    marks = Sweep(store)
    before = marks.mark()
    assert marks.mark() == before

    flow.put(first, DONE)
    looked(flow)

    assert marks.mark() != before
