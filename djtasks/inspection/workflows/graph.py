"""The graph of a workflow: its layers, its stages, and the path that decides its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Links = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by their numbers, in the order in which they were added, and what they come after.

    `before` and `after` have an entry for each number, in the order of `numbers`.
    """

    numbers: tuple[int, ...]
    before: Links
    after: Links


@dataclass(frozen=True, slots=True)
class Span:
    """When a node begins and ends, or will, as far as that is known."""

    begins: datetime
    ends: datetime


def graph_of(
    numbers: Iterable[int], edges: Iterable[tuple[int, int]], after_all: Iterable[int] = ()
) -> Graph:
    """Return a graph. A node of `after_all` comes after all others that have nothing after them.

    Edges that name a number which is not there, or the same twice, are left out.
    """
    ordered = tuple(numbers)
    last = dict.fromkeys(after_all)
    known = set(ordered)
    links = {(one, two) for one, two in edges if one in known and two in known and one != two}
    has_next = {one for one, two in links if two not in last}
    ends = [number for number in ordered if number not in has_next and number not in last]
    links |= {(end, number) for number in last for end in ends if number in known}
    places = {number: place for place, number in enumerate(ordered)}
    before: dict[int, list[int]] = {number: [] for number in ordered}
    after: dict[int, list[int]] = {number: [] for number in ordered}
    for one, two in sorted(links, key=lambda link: (places[link[0]], places[link[1]])):
        before[two].append(one)
        after[one].append(two)
    return Graph(ordered, _frozen(before), _frozen(after))


def _frozen(links: dict[int, list[int]]) -> Links:
    return {number: tuple(others) for number, others in links.items()}


def layers_of(graph: Graph) -> list[list[int]]:
    """Return the nodes by layer, which is the longest path that leads to a node.

    Within a layer they are in the order in which they were added. Nodes of a cycle, which only
    rows made by hand can have, are in a layer of their own at the end.
    """
    depth = dict.fromkeys(graph.numbers, 0)
    waiting = {number: len(graph.before[number]) for number in graph.numbers}
    free = [number for number in graph.numbers if not waiting[number]]
    for number in free:
        for following in graph.after[number]:
            depth[following] = max(depth[following], depth[number] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                free.append(following)
    deepest = max((depth[number] for number in free), default=-1)
    depth.update({number: deepest + 1 for number, count in waiting.items() if count})
    layers: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for number in graph.numbers:
        layers[depth[number]].append(number)
    return layers


def critical_path(graph: Graph, spans: Mapping[int, Span]) -> list[int]:
    """Return the nodes that decide when the workflow ends, the first one first.

    That is the node that ends last, then what it came after that ended last, and so on. Of equals,
    the one that was added first. Nodes without a span are not on it.
    """
    path: list[int] = []
    possible: Sequence[int] = graph.numbers
    while found := [number for number in possible if number in spans and number not in path]:
        latest = max(spans[number].ends for number in found)
        path.append(next(number for number in found if spans[number].ends == latest))
        possible = graph.before[path[-1]]
    return path[::-1]


def spare_of(graph: Graph, spans: Mapping[int, Span]) -> dict[int, timedelta]:
    """Return how much later each node could have ended without a later end of the workflow."""
    end = max((span.ends for span in spans.values()), default=None)
    if end is None:
        return {}
    latest: dict[int, datetime] = {}
    for layer in reversed(layers_of(graph)):
        for number in layer:
            limits = [
                latest[after] - (spans[after].ends - spans[after].begins)
                for after in graph.after[number]
                if after in latest
            ]
            if number in spans:
                latest[number] = min(limits, default=end)
    return {number: max(latest[number] - spans[number].ends, timedelta(0)) for number in latest}
