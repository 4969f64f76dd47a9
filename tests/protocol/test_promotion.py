"""What a workflow's nodes do next: `evaluate` and `conclude`, as tables."""

from itertools import product
from uuid import UUID

import pytest

from djtasks.protocol.promotion import (
    Ended,
    MemberFacts,
    NodeFacts,
    NodeMove,
    Predecessor,
    WorkflowFacts,
    conclude,
    evaluate,
    tolerated,
)
from djtasks.protocol.workflows import (
    NODE_MOVES,
    NODES_OVER,
    WORKFLOW_MOVES,
    WORKFLOWS_OVER,
    NodeState,
    When,
    WorkflowState,
    door_of,
    node_of,
)

PENDING, OPEN, GOOD, BAD, SKIPPED = NodeState
RUNS = WorkflowFacts(id=UUID(int=1))
PAUSED = WorkflowFacts(id=UUID(int=1), is_paused=True)
CANCELLED = WorkflowFacts(id=UUID(int=1), cancel_requested=True)


def after(*states: NodeState | tuple[NodeState, int], when: When = When.SUCCESS) -> NodeFacts:
    """Return a PENDING node; a pair is a SKIPPED node and the failed one that skipped it."""
    before = [
        Predecessor(number=number, state=SKIPPED, because_of=one[1])
        if isinstance(one, tuple)
        else Predecessor(number=number, state=one)
        for number, one in enumerate(states)
    ]
    return NodeFacts(id=9, state=PENDING, when=when, before=before)


def moved(workflow: WorkflowFacts, node: NodeFacts) -> tuple[NodeState, int | None] | None:
    moves = evaluate(workflow, [node])
    if not moves:
        return None
    (move,) = moves
    assert (move.node, move.before) == (node.id, node.state)
    assert move.after in NODE_MOVES[move.before]
    return move.after, move.because_of


S, F, D = When
UNNEEDED = SKIPPED


@pytest.mark.parametrize(
    ("before", "when", "to"),
    [
        ((GOOD, GOOD), S, (OPEN, None)),
        ((GOOD, BAD), S, (SKIPPED, 1)),
        ((BAD, BAD), S, (SKIPPED, 0)),
        ((GOOD, (SKIPPED, 7)), S, (SKIPPED, 7)),
        ((GOOD, UNNEEDED), S, (SKIPPED, None)),
        ((UNNEEDED, BAD), S, (SKIPPED, 1)),
        ((GOOD, GOOD), F, (SKIPPED, None)),
        ((GOOD, BAD), F, (OPEN, None)),
        (((SKIPPED, 7),), F, (OPEN, None)),
        ((UNNEEDED,), F, (SKIPPED, None)),
        ((GOOD, BAD), D, (OPEN, None)),
        ((UNNEEDED, (SKIPPED, 7)), D, (OPEN, None)),
    ],
)
def test_a_pending_node_opens_or_is_skipped(
    before: tuple[NodeState, ...], when: When, to: tuple[NodeState, int | None]
) -> None:
    assert moved(RUNS, after(*before, when=when)) == to


@pytest.mark.parametrize(
    ("live", "over", "when"), list(product((PENDING, OPEN), sorted(NODES_OVER), When))
)
def test_a_node_never_moves_before_all_before_it_are_over(
    live: NodeState, over: NodeState, when: When
) -> None:
    assert moved(RUNS, after(over, live, when=when)) is None
    assert moved(RUNS, after(live, over, when=when)) is None


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("before", [GOOD, BAD, PENDING])
def test_nothing_opens_or_is_skipped_while_paused(when: When, before: NodeState) -> None:
    assert moved(PAUSED, after(before, when=when)) is None


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("before", sorted(NodeState))
def test_a_cancel_skips_what_has_not_begun(when: When, before: NodeState) -> None:
    assert moved(CANCELLED, after(before, when=when)) == (SKIPPED, None)


def opened(failed: int = 0, *, size: int = 4, tolerate: str = "", live: bool = False) -> NodeFacts:
    members = MemberFacts(is_live=live, failed=failed)
    return NodeFacts(id=9, state=OPEN, size=size, tolerate=tolerate, members=members)


@pytest.mark.parametrize("workflow", [RUNS, PAUSED, CANCELLED])
@pytest.mark.parametrize(
    ("node", "to"),
    [
        (opened(), GOOD),
        (opened(1), BAD),
        (opened(1, tolerate="1"), GOOD),
        (opened(2, tolerate="1"), BAD),
        (opened(2, tolerate="50%"), GOOD),
        (opened(2, tolerate="49%"), BAD),
    ],
)
def test_an_open_node_ends_with_its_last_member(
    workflow: WorkflowFacts, node: NodeFacts, to: NodeState
) -> None:
    assert moved(workflow, node) == (to, None)


@pytest.mark.parametrize("workflow", [RUNS, PAUSED, CANCELLED])
@pytest.mark.parametrize("failed", [0, 4])
def test_a_node_with_a_live_member_stays_open(workflow: WorkflowFacts, failed: int) -> None:
    assert moved(workflow, opened(failed, live=True)) is None


def test_a_node_whose_members_were_not_read_stays_as_it_is() -> None:
    assert evaluate(RUNS, [NodeFacts(id=9, state=OPEN)]) == []


def test_each_node_is_decided_on_its_own() -> None:
    nodes = [
        NodeFacts(id=1, state=OPEN, members=MemberFacts(is_live=False)),
        NodeFacts(id=2, state=OPEN, members=MemberFacts(is_live=True)),
        NodeFacts(id=3, state=PENDING, before=(Predecessor(number=0, state=GOOD),)),
    ]

    assert evaluate(RUNS, nodes) == [NodeMove(1, OPEN, GOOD), NodeMove(3, PENDING, OPEN)]


@pytest.mark.parametrize(
    ("tolerate", "size", "count"),
    [("", 9, 0), ("5", 9, 5), ("1%", 99, 0), ("1%", 100, 1), ("0.7%", 1_000, 7), ("100%", 3, 3)],
)
def test_a_share_is_rounded_down(tolerate: str, size: int, count: int) -> None:
    assert tolerated(tolerate, size) == count


@pytest.mark.parametrize(
    ("workflow", "nodes", "state"),
    [
        (RUNS, [Ended(GOOD), Ended(SKIPPED)], WorkflowState.SUCCESSFUL),
        (RUNS, [], WorkflowState.SUCCESSFUL),
        (RUNS, [Ended(GOOD), Ended(BAD)], WorkflowState.FAILED),
        (RUNS, [Ended(GOOD), Ended(BAD, may_fail=True)], WorkflowState.SUCCESSFUL),
        (CANCELLED, [Ended(GOOD)], WorkflowState.SUCCESSFUL),
        (CANCELLED, [Ended(GOOD), Ended(SKIPPED)], WorkflowState.CANCELLED),
        (CANCELLED, [Ended(BAD)], WorkflowState.CANCELLED),
    ],
)
def test_the_nodes_say_how_a_workflow_ends(
    workflow: WorkflowFacts, nodes: list[Ended], state: WorkflowState
) -> None:
    assert conclude(workflow, nodes) is state
    assert state in WORKFLOW_MOVES[WorkflowState.RUNNING]


def test_every_state_has_its_moves() -> None:
    assert set(NODE_MOVES) == set(NodeState)
    assert set(WORKFLOW_MOVES) == set(WorkflowState)
    assert set(NodeState) - NODES_OVER == {PENDING, OPEN}
    assert set(WorkflowState) - WORKFLOWS_OVER == {WorkflowState.RUNNING}


def test_the_stored_values_never_change() -> None:
    assert [int(state) for state in (PENDING, OPEN, GOOD, BAD, SKIPPED)] == [0, 1, 2, 3, 4]
    assert {state.name: int(state) for state in WorkflowState} == {
        "RUNNING": 1,
        "SUCCESSFUL": 2,
        "FAILED": 3,
        "CANCELLED": 4,
    }
    assert list(When) == ["success", "failure", "done"]
    assert (door_of(7), node_of("node:7"), node_of("limit:a")) == ("node:7", 7, None)
