"""Geometry of the pictures: pure functions from numbers to places. Templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from demo_project.library.models import Outcome

MOST_CELLS = 2_400

# Beside the outcomes of files: not final, but in a worker's hands.
RUNNING = -1

_NAMES = {RUNNING: "running", **{outcome.value: outcome.name.lower() for outcome in Outcome}}
_SEEN_FIRST = (Outcome.FAILED, RUNNING, Outcome.WAITING)


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Squares in rows, one SVG path for each kind; `each` files share a square."""

    width: int
    height: int
    each: int
    paths: dict[str, str]


def mosaic(files: Sequence[int], *, columns: int, size: int) -> Mosaic:
    """Return squares of `size` units, one unit apart, for the outcomes of files, or RUNNING.

    A square that stands for several files shows the one that most wants to be seen: a
    failure, else one that is not final.
    """
    each = max(1, ceil(len(files) / MOST_CELLS))
    paths: dict[int, list[str]] = {kind: [] for kind in _NAMES}
    cells = [_seen_first(files[i : i + each]) for i in range(0, len(files), each)]
    for number, kind in enumerate(cells):
        row, column = divmod(number, columns)
        paths[kind].append(f"M{column * size} {row * size}h{size - 1}v{size - 1}h{1 - size}z")
    return Mosaic(
        width=columns * size - 1,
        height=max(ceil(len(cells) / columns), 1) * size - 1,
        each=each,
        paths={_NAMES[kind]: "".join(parts) for kind, parts in paths.items()},
    )


def _seen_first(kinds: Sequence[int]) -> int:
    return next((kind for kind in _SEEN_FIRST if kind in kinds), Outcome.PARSED)


@dataclass(frozen=True, slots=True)
class RateChart:
    """An area under a line in a box of 600 by 100, and the two numbers on its axis."""

    line: str
    area: str
    top: int
    middle: str


def rate_chart(rates: Sequence[float]) -> RateChart:
    """Return the curve of rates over equal spans; the axis starts at 0 and ends at `top`."""
    top = nice_ceiling(max(rates, default=0))
    values = [*rates, rates[-1]] if len(rates) == 1 else rates
    points = [
        f"{600 * number / max(len(values) - 1, 1):.1f} {100 - 100 * rate / top:.1f}"
        for number, rate in enumerate(values)
    ]
    line = "M" + "L".join(points)
    return RateChart(line=line, area=f"{line}L600 100L0 100Z", top=top, middle=f"{top / 2:g}")


def nice_ceiling(number: float) -> int:
    """Return the next number of the form 1, 2 or 5 times a power of ten, 2 at least."""
    if number <= 2:
        return 2
    power = 10 ** floor(log10(number))
    return next(int(step * power) for step in (1, 2, 5, 10) if step * power >= number)
