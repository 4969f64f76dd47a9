"""Where boxes and lines stand: the same for the same graph, apart, and in order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from djtasks.admin.workflows.layout import HEIGHT, SPACE, layout_of
from djtasks.inspection.workflows.graph import graph_of, layers_of

DIAMOND = [["a"], ["b", "c"], ["d"]]
LINKS = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_layers_go_from_left_to_right() -> None:
    layout = layout_of(DIAMOND, LINKS)

    lefts = [layout.places[key].x for key in ("a", "b", "d")]
    assert lefts == sorted(set(lefts))
    assert layout.places["b"].x == layout.places["c"].x


def test_a_box_stands_in_the_middle_of_its_neighbours() -> None:
    layout = layout_of(DIAMOND, LINKS)

    middle = (layout.places["b"].y + layout.places["c"].y) / 2
    assert abs(layout.places["a"].y - middle) <= 1
    assert abs(layout.places["d"].y - middle) <= 1


def test_the_order_with_the_fewest_crossings_wins() -> None:
    layout = layout_of([["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")])

    above = layout.places["a"].y < layout.places["b"].y
    assert (layout.places["d"].y < layout.places["c"].y) is above


def test_a_long_link_runs_between_the_boxes_of_the_layers_between() -> None:
    layout = layout_of([["a"], ["b"], ["c"]], [("a", "b"), ("b", "c"), ("a", "c")])

    box = layout.places["b"]
    lane = layout.paths["a", "c"].partition("L")[0].rpartition(" ")[2]
    assert not box.y - 5 <= int(lane) <= box.y + HEIGHT + 5


def test_a_single_layer_and_nothing_at_all_have_a_picture() -> None:
    assert layout_of([["a"]], []).height > HEIGHT
    assert layout_of([], []).places == {}


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=40))
def test_boxes_never_overlap_and_the_picture_is_always_the_same(
    pairs: list[tuple[int, int]],
) -> None:
    graph = graph_of(range(16), [(min(pair), max(pair)) for pair in pairs])
    layers = [[str(number) for number in layer] for layer in layers_of(graph)]
    links = [(str(one), str(two)) for one in graph.numbers for two in graph.after[one]]

    layout = layout_of(layers, links)

    assert layout == layout_of(layers, links)
    assert set(layout.paths) == set(links)
    for layer in layers:
        tops = sorted(layout.places[key].y for key in layer)
        assert all(two - one >= HEIGHT + SPACE - 1 for one, two in pairwise(tops))
        assert tops[0] >= 0
        assert tops[-1] + HEIGHT <= layout.height
