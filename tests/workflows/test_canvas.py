"""`chain`, `group` and `chord`."""

import pytest

from djtasks import chain, chord, group, task
from djtasks.errors import InvalidArguments, InvalidWorkflow
from djtasks.testing.kept_workflows import KeptWorkflow
from tests.workflows.kept import kept as kept

pytestmark = pytest.mark.usefixtures("kept")


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task
def total(numbers: list[int], start: int = 0) -> int:
    return sum(numbers, start)


@task
def tick() -> None: ...


def test_a_chain_passes_each_result_on(kept: list[KeptWorkflow]) -> None:
    flow = chain(add.bind(1), add, add.bind(b=5))

    nodes = kept[0].draft.nodes
    assert [node.inputs for node in nodes] == [{}, {"0": 0}, {"0": 1}]
    assert [set(node.after) for node in nodes] == [set(), {0}, {1}]
    assert kept[0].members["add-3"][0].kwargs == '{"b":5}'
    assert flow.name == "chain"


def test_a_chain_that_passes_nothing_only_orders(kept: list[KeptWorkflow]) -> None:
    chain(tick, tick.bind(), add.bind(1), pass_results=False, name="nightly")

    nodes = kept[0].draft.nodes
    assert [node.inputs for node in nodes] == [{}, {}, {}]
    assert [set(node.after) for node in nodes] == [set(), {0}, {1}]
    assert kept[0].draft.name == "nightly"


def test_a_chain_that_does_not_fit_fails_in_the_caller(kept: list[KeptWorkflow]) -> None:
    with pytest.raises(InvalidArguments, match="too many positional arguments"):
        chain(add.bind(1), tick)

    assert kept == []


def test_a_group_orders_nothing(kept: list[KeptWorkflow]) -> None:
    group(add.bind(1), tick)
    group(add.bind(number) for number in range(3))

    assert [len(one.draft.nodes) for one in kept] == [2, 3]
    assert all(node.is_root for one in kept for node in one.draft.nodes)


def test_the_callback_of_a_chord_gets_the_list_of_results(kept: list[KeptWorkflow]) -> None:
    chord([add.bind(1), add.bind(2)], total.bind(start=3))

    last = kept[0].draft.nodes[-1]
    assert (last.inputs, set(last.after)) == ({"0": [0, 1]}, {0, 1})
    assert kept[0].members["total"][0].args == "[null]"


def test_tasks_of_another_alias_make_workflows_there() -> None:
    other = add.using(backend="other")

    assert chain(other.bind(1), other).state
    assert group(other.bind(1)).id
    assert chord([other.bind(1)], total.using(backend="other")).id


def test_nothing_makes_no_workflow() -> None:
    for empty in (chain, group):
        with pytest.raises(InvalidWorkflow, match="has no nodes"):
            empty()
