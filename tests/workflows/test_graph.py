"""What no graph may be."""

from typing import Any

import pytest

from djtasks import Workflow, task
from djtasks.errors import InvalidArguments, InvalidWorkflow
from djtasks.workflows import members
from tests.workflows.kept import enqueue
from tests.workflows.kept import kept as kept

pytestmark = pytest.mark.usefixtures("kept")


@task
def step(number: int = 0) -> int:
    return number


def end_before_another(flow: Workflow) -> None:
    end = flow.add(step, after=flow, name="end")
    flow.add(step, after=[flow, end])


def ten_thousand_and_one(flow: Workflow) -> None:
    for _ in range(10_001):
        flow.add(step)


def all_after_all(flow: Workflow) -> None:
    first = [flow.add(step) for _ in range(250)]
    for _ in range(201):
        flow.add(step, after=first)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (end_before_another, "'end' and 'step' wait for each other"),
        (ten_thousand_and_one, "has 10,001 nodes, but the limit is 10,000"),
        (all_after_all, "has 50,250 edges, but the limit is 50,000"),
    ],
)
def test_a_graph_that_cannot_run_is_refused(fill: Any, message: str) -> None:
    with pytest.raises(InvalidWorkflow, match=message):
        enqueue(fill)


def test_a_map_has_at_most_a_million_members(monkeypatch: Any) -> None:
    assert members.MOST_MEMBERS == 1_000_000
    monkeypatch.setattr(members, "MOST_MEMBERS", 2)

    with pytest.raises(InvalidWorkflow, match="'step' has more than 2 members"):
        enqueue(lambda flow: flow.map(step, ((number,) for number in range(3))))


def test_a_deep_or_endless_argument_is_refused_in_time() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(InvalidArguments, match="nested deeper than"):
        enqueue(lambda flow: flow.add(step, endless))
