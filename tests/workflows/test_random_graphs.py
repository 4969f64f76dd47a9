"""Random graphs with random ends, beside an oracle of a few lines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from djtasks import Workflow
from djtasks.engine import engine_of
from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.states import FINAL, State
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.testing import run_due
from tests.workflows.tasks import ends

pytestmark = pytest.mark.django_db(databases="__all__")

GOOD, BAD, SKIPPED = NodeState.SUCCESSFUL, NodeState.FAILED, NodeState.SKIPPED


@dataclass(frozen=True, slots=True)
class Planned:
    """A node and how its members will end. `after` None: after all others."""

    members: tuple[bool, ...]
    after: frozenset[int] | None
    when: str
    tolerate: int
    may_fail: bool


def oracle(nodes: Sequence[Planned], kept: Collection[int]) -> list[NodeState]:
    """Return how the nodes end; those of `kept` have succeeded before."""
    ends: dict[int, NodeState] = {}
    spoilt: set[int] = set()  # failed, or skipped because of a failure
    plain = {number for number, node in enumerate(nodes) if node.after is not None}
    for number in [*sorted(plain), *sorted(set(range(len(nodes))) - plain)]:
        node = nodes[number]
        before = plain if node.after is None else node.after
        is_good, is_spoilt = all(ends[n] is GOOD for n in before), bool(spoilt & before)
        opens = {"success": is_good, "failure": is_spoilt, "done": True}[node.when]
        fails = node.members.count(False) > node.tolerate
        ends[number] = GOOD if number in kept else SKIPPED if not opens else BAD if fails else GOOD
        if ends[number] is BAD or (
            ends[number] is SKIPPED and node.when == "success" and is_spoilt
        ):
            spoilt.add(number)
    return [ends[number] for number in range(len(nodes))]


class Graphs(RuleBasedStateMachine):
    """Plans nodes, runs them as a workflow, and mends and retries what failed."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Planned] = []
        self.flow: Workflow | None = None
        self.kept: set[int] = set()
        self.block = transaction.atomic(using=engine_of("default").database)
        self.block.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True, using=engine_of("default").database)
        self.block.__exit__(None, None, None)

    @precondition(lambda self: self.flow is None)
    @rule(
        members=st.lists(st.booleans(), max_size=4).map(tuple),
        after=st.one_of(st.none(), st.sets(st.integers(0, 9), max_size=3)),
        when=st.sampled_from(["success", "failure", "done"]),
        tolerate=st.integers(0, 2),
        may_fail=st.booleans(),
    )
    def plan(
        self,
        members: tuple[bool, ...],
        after: set[int] | None,
        when: str,
        tolerate: int,
        may_fail: bool,
    ) -> None:
        plain = [n for n, node in enumerate(self.nodes) if node.after is not None]
        before = None if after is None else frozenset(n for n in after if n in plain)
        condition = "done" if when == "failure" and before == frozenset() else when
        self.nodes.append(Planned(members, before, condition, tolerate, may_fail))

    @precondition(lambda self: self.flow is None and self.nodes)
    @rule()
    def enqueue(self) -> None:
        with Workflow("random") as self.flow:
            added: list[Any] = []
            for node in self.nodes:
                added.append(self._add(self.flow, node, added))
        run_due()

    def _add(self, flow: Workflow, node: Planned, added: list[Any]) -> Any:
        options: dict[str, Any] = {
            "after": flow if node.after is None else [added[number] for number in node.after],
            "when": node.when,
            "may_fail": node.may_fail,
        }
        if len(node.members) == 1 and not node.tolerate:
            return flow.add(ends, well=node.members[0], **options)
        items = ({"well": well} for well in node.members)
        return flow.map(ends, items, tolerate=node.tolerate, **options)

    @precondition(lambda self: self.flow is not None)
    @rule(mended=st.sets(st.integers(0, 9)))
    def retry(self, mended: set[int]) -> None:
        assert self.flow is not None
        if self.flow.state is WorkflowState.SUCCESSFUL:
            assert self.flow.retry() == 0
            return
        for number, state in enumerate(oracle(self.nodes, self.kept)):
            if state is GOOD:
                self.kept.add(number)
            elif number in mended:
                self._mend(number)
        self.flow.retry()
        run_due()

    def _mend(self, number: int) -> None:
        assert self.flow is not None
        node = WorkflowNode.objects.get(workflow=self.flow.id, number=number)
        TaskRecord.objects.filter(node=node.pk).update(kwargs={"well": True})
        planned = self.nodes[number]
        self.nodes[number] = replace(planned, members=(True,) * len(planned.members))

    @invariant()
    def it_ends_as_the_oracle_says(self) -> None:
        if self.flow is None:
            return
        self.flow.refresh()
        expected = oracle(self.nodes, self.kept)
        rows = WorkflowNode.objects.filter(workflow=self.flow.id).order_by("number")
        assert list(rows.values_list("state", flat=True)) == expected
        fails = any(
            state is BAD and not node.may_fail
            for state, node in zip(expected, self.nodes, strict=True)
        )
        assert self.flow.state is (WorkflowState.FAILED if fails else WorkflowState.SUCCESSFUL)
        live = TaskRecord.objects.filter(workflow=self.flow.id).exclude(state__in=FINAL)
        assert not live.exists()
        self._looks_right_inside(expected)

    def _looks_right_inside(self, expected: list[NodeState]) -> None:
        """Members of a skipped node never ran; those of any other all did."""
        assert self.flow is not None
        for node in WorkflowNode.objects.filter(workflow=self.flow.id):
            members = TaskRecord.objects.filter(node=node.pk)
            skipped = members.filter(state=State.CANCELLED).count()
            assert skipped == (node.size if expected[node.number] is SKIPPED else 0)


def run(examples: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Graphs, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None)
    )


def test_random_graphs_end_as_an_oracle_says(database: str) -> None:
    run(10)


@pytest.mark.thorough
@pytest.mark.slow
def test_many_random_graphs_end_as_an_oracle_says(database: str) -> None:
    run(300)
