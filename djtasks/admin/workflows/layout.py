"""Where the boxes and lines of a graph stand: a pure function of its layers and links.

The same layers and links give the same places, whatever state the nodes are in. Layers go from
left to right. Within a layer, the order is the one with the fewest crossings that eight sweeps
find, each by the mean place of the neighbours (barycentre).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Key = str
Link = tuple[Key, Key]

HEIGHT, SPACE, LANE = 52, 18, 22
LEAST_WIDTH, MOST_WIDTH, AVAILABLE = 124, 196, 1030
_GAP, _MARGIN = 34, 2
_SWEEPS, _PASSES = 8, 6


@dataclass(frozen=True, slots=True)
class Place:
    """The upper left corner of a box."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of boxes, the paths of links as SVG, and the size of the picture in pixels."""

    places: Mapping[Key, Place]
    paths: Mapping[Link, str]
    box_width: int
    width: int
    height: int
    columns: Sequence[int]


@dataclass(slots=True)
class _Grid:
    """Columns of boxes and lanes. A lane, as long links have in each layer between, is a tuple."""

    columns: list[list[object]]
    before: dict[object, list[object]] = field(default_factory=dict)
    after: dict[object, list[object]] = field(default_factory=dict)
    chains: dict[Link, list[object]] = field(default_factory=dict)

    def join(self, chain: list[object]) -> None:
        for one, two in pairwise(chain):
            self.after.setdefault(one, []).append(two)
            self.before.setdefault(two, []).append(one)


def layout_of(layers: Sequence[Sequence[Key]], links: Sequence[Link], *, top: int = 0) -> Layout:
    """Return where everything stands; `top` pixels stay free for labels of the layers."""
    grid = _grid_of(layers, links)
    _order(grid)
    heights = _heights(grid)
    count = max(len(layers), 1)
    width = (AVAILABLE - 2 * _MARGIN - _GAP * (count - 1)) // count
    width = min(max(width, LEAST_WIDTH), MOST_WIDTH)
    lefts = [_MARGIN + number * (width + _GAP) for number in range(count)]
    column_of = {item: number for number, items in enumerate(grid.columns) for item in items}
    down = min((heights[item] - _size(item) / 2 for item in column_of), default=0.0) - top - 3
    middles = {item: round(middle - down) for item, middle in heights.items()}
    places = {
        key: Place(lefts[column_of[key]], middles[key] - HEIGHT // 2)
        for layer in layers
        for key in layer
    }
    paths = {
        link: _path([(lefts[column_of[item]], middles[item]) for item in chain], width)
        for link, chain in grid.chains.items()
    }
    lowest = max((middles[item] + _size(item) // 2 for item in column_of), default=0)
    return Layout(places, paths, width, lefts[-1] + width + 8, lowest + 8, lefts)


def _grid_of(layers: Sequence[Sequence[Key]], links: Sequence[Link]) -> _Grid:
    grid = _Grid([list(layer) for layer in layers])
    depth = {key: number for number, layer in enumerate(layers) for key in layer}
    for one, two in links:
        if depth[one] >= depth[two]:
            continue  # of a cycle
        lanes: list[object] = [(one, two, layer) for layer in range(depth[one] + 1, depth[two])]
        for lane, layer in zip(lanes, range(depth[one] + 1, depth[two]), strict=True):
            grid.columns[layer].append(lane)
        chain: list[object] = [one, *lanes, two]
        grid.chains[one, two] = chain
        grid.join(chain)
    return grid


def _order(grid: _Grid) -> None:
    """Sort each column; of the orders that the sweeps find, the best is kept."""
    best = [list(column) for column in grid.columns]
    fewest = _crossings(grid)
    for sweep in range(_SWEEPS):
        numbers = range(len(grid.columns))
        neighbours = grid.before if sweep % 2 == 0 else grid.after
        for number in numbers if sweep % 2 == 0 else reversed(numbers):
            _sort(grid, number, neighbours, -1 if sweep % 2 == 0 else 1)
        found = _crossings(grid)
        if found < fewest:
            best, fewest = [list(column) for column in grid.columns], found
    grid.columns = best


def _sort(grid: _Grid, number: int, neighbours: Mapping[object, list[object]], step: int) -> None:
    other = number + step
    if not 0 <= other < len(grid.columns):
        return
    places = {item: place for place, item in enumerate(grid.columns[other])}
    means = {}
    for place, item in enumerate(grid.columns[number]):
        near = [places[one] for one in neighbours.get(item, ())]
        means[item] = sum(near) / len(near) if near else float(place)
    grid.columns[number].sort(key=means.__getitem__)


def _crossings(grid: _Grid) -> int:
    count = 0
    for left, right in pairwise(grid.columns):
        places = {item: place for place, item in enumerate(right)}
        ends = [
            sorted(places[two] for two in grid.after.get(one, ()) if two in places) for one in left
        ]
        seen: list[int] = []
        for found in ends:
            count += sum(earlier > end for end in found for earlier in seen)
            seen += found
    return count


def _size(item: object) -> int:
    return LANE if isinstance(item, tuple) else HEIGHT


def _heights(grid: _Grid) -> dict[object, float]:
    """Return the middle of each box and lane, pulled to the middle of its neighbours."""
    middles: dict[object, float] = {}
    for column in grid.columns:
        _stack(column, dict.fromkeys(column, 0.0), middles)
    for turn in range(_PASSES):
        columns = grid.columns if turn % 2 == 0 else grid.columns[::-1]
        neighbours = grid.before if turn % 2 == 0 else grid.after
        for column in columns:
            wanted = {}
            for item in column:
                near = [middles[one] for one in neighbours.get(item, ())]
                wanted[item] = sum(near) / len(near) if near else middles[item]
            _stack(column, wanted, middles)
    return middles


def _stack(
    column: Sequence[object], wanted: Mapping[object, float], middles: dict[object, float]
) -> None:
    """Put each item where it wants to be, in their order and apart; spread the error."""
    last: object = None
    for item in column:
        least = -1e9 if last is None else middles[last] + (_size(last) + _size(item)) / 2 + SPACE
        middles[item] = max(wanted[item], least)
        last = item
    error = sum(wanted[item] - middles[item] for item in column) / max(len(column), 1)
    for item in column:
        middles[item] += error


def _path(points: Sequence[tuple[int, int]], width: int) -> str:
    """Return the path of a link through its lanes, with the head of an arrow."""
    x, y = points[0]
    path = f"M{x + width} {y}"
    for place, (left, middle) in enumerate(points[1:], start=1):
        start = x + width
        half = (left - start) // 2
        path += f"C{start + half} {y} {left - half} {middle} {left} {middle}"
        if place < len(points) - 1:
            path += f"L{left + width} {middle}"
        x, y = left, middle
    return f"{path}M{x - 5} {y - 4}L{x} {y}L{x - 5} {y + 4}"
