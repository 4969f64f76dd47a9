"""The graph of a workflow: layers, and the path that decides its end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.inspection.workflows.graph import (
    Span,
    critical_path,
    graph_of,
    layers_of,
    spare_of,
)

START = datetime(2026, 10, 21, 14, tzinfo=UTC)
DIAMOND = graph_of([0, 1, 2, 3], [(0, 1), (0, 2), (1, 3), (2, 3)])
Edges = list[tuple[int, int]]


def span(begins: int, ends: int) -> Span:
    return Span(START + timedelta(seconds=begins), START + timedelta(seconds=ends))


@pytest.mark.parametrize(
    ("edges", "layers"),
    [
        ([], [[0, 1, 2, 3]]),
        ([(0, 1), (1, 2), (2, 3)], [[0], [1], [2], [3]]),
        ([(0, 1), (0, 2), (1, 3), (2, 3)], [[0], [1, 2], [3]]),
        # The longest path counts.
        ([(0, 3), (0, 1), (1, 2), (2, 3)], [[0], [1], [2], [3]]),
        # What rows made by hand may say: unknown numbers, twice, a node after itself.
        ([(0, 9), (9, 1), (0, 1), (0, 1), (2, 2)], [[0, 2, 3], [1]]),
        # A cycle, which comes last.
        ([(0, 1), (1, 2), (2, 1)], [[0, 3], [1, 2]]),
    ],
)
def test_a_node_is_in_the_layer_of_the_longest_path_to_it(
    edges: Edges, layers: list[list[int]]
) -> None:
    assert layers_of(graph_of([0, 1, 2, 3], edges)) == layers


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11))))
def test_every_edge_leads_to_a_later_layer(pairs: Edges) -> None:
    edges = [(min(pair), max(pair)) for pair in pairs]
    graph = graph_of(range(12), edges)

    layers = layers_of(graph)

    depth = {number: place for place, layer in enumerate(layers) for number in layer}
    assert sorted(depth) == list(range(12))
    assert all(depth[one] < depth[two] for one, two in edges if one != two)


def test_a_node_after_all_comes_after_what_nothing_else_comes_after() -> None:
    graph = graph_of([0, 1, 2, 3], [(0, 1)], after_all=[3])

    assert graph.before[3] == (1, 2)


def test_nodes_after_all_do_not_wait_for_each_other() -> None:
    graph = graph_of([0, 1, 2], [], after_all=[1, 2])

    assert graph.before == {0: (), 1: (0,), 2: (0,)}


def test_the_critical_path_goes_back_from_what_ends_last() -> None:
    spans = {0: span(0, 5), 1: span(5, 40), 2: span(5, 60), 3: span(60, 70)}

    assert critical_path(DIAMOND, spans) == [0, 2, 3]


def test_of_equals_the_first_added_is_on_the_critical_path() -> None:
    spans = {0: span(0, 5), 1: span(5, 60), 2: span(5, 60), 3: span(60, 70)}

    assert critical_path(DIAMOND, spans) == [0, 1, 3]


def test_what_never_ran_is_on_no_path() -> None:
    assert critical_path(DIAMOND, {}) == []
    assert critical_path(DIAMOND, {0: span(0, 5)}) == [0]


def test_a_cycle_has_a_critical_path_too() -> None:
    graph = graph_of([0, 1], [(0, 1), (1, 0)])

    assert critical_path(graph, {0: span(0, 5), 1: span(0, 5)}) == [1, 0]


def test_spare_is_how_much_later_a_node_could_have_ended() -> None:
    spans = {0: span(0, 5), 1: span(5, 40), 2: span(5, 60), 3: span(60, 70)}

    spare = {number: length.total_seconds() for number, length in spare_of(DIAMOND, spans).items()}

    assert spare == {0: 0, 1: 20, 2: 0, 3: 0}
    assert spare_of(DIAMOND, {}) == {}
