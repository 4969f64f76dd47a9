"""Charts as values: what the templates draw, computed from numbers alone.

Geometry is text made for SVG (a point, no separators), since templates localise numbers. A plot
stretches to any width: lines live in a box 600 units wide, words and moments stand at percents.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

WIDTH = 600
SPARK_WIDTH, SPARK_HEIGHT = 96, 24
Value = float | None
Format = Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label on an axis: `at` is the place of its line, `text_at` the place of the text."""

    at: str
    text_at: str
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series: its label, its style and where it ends."""

    label: str
    css: str
    path: str
    fill: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One upright bar."""

    css: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The strip of a plot that shows its values while the pointer is on it."""

    x: str
    width: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One set of axes with what is drawn on it."""

    height: int
    summary: str
    grid: list[Tick]
    times: list[Tick]
    top: int = 18
    lines: list[Line] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    marks: list[Tick] = field(default_factory=list)
    labels_ends: bool = False

    @property
    def base(self) -> int:
        """Return where zero is."""
        return base_of(self.height, has_times=bool(self.times))

    @property
    def labels_width(self) -> int:
        """Return the width for the labels of the grid, with space on both sides."""
        longest = max((len(tick.label) for tick in self.grid), default=0)
        return max(44, math.ceil(12 + 6.5 * longest))

    @property
    def ends_width(self) -> int:
        """Return the width for the labels at the ends of lines, about twelve letters at most."""
        return 8 + 7 * min(max((len(line.label) for line in self.lines), default=0), 12)

    @property
    def inner(self) -> int:
        """Return the height between the axes."""
        return self.base - self.top


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A line the size of a word; `end` is the height of its last point."""

    path: str
    fill: str
    end: str
    summary: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A range from zero to a round number, over a height in units."""

    top: float
    height: float
    offset: float = 0

    def y(self, value: float) -> float:
        """Return how far down a value is."""
        return self.offset + self.height * (1 - min(value, self.top) / self.top)

    def grid(self, form: Format, *, gaps: int) -> list[Tick]:
        """Return the lines of the grid from zero up, with their labels."""
        values = [self.top * gap / gaps for gap in range(gaps + 1)]
        return [
            Tick(at=f"{self.y(v):.1f}", text_at=f"{self.y(v) + 4:.1f}", label=form(v), anchor="end")
            for v in values
        ]


def base_of(height: int, *, has_times: bool) -> int:
    """Return where zero is in a plot: above the labels of the axis, if it has any."""
    return height - (20 if has_times else 4)


def round_top(highest: float, *, gaps: int, least: float = 1) -> float:
    """Return the end of an axis: above `highest`, and round when cut into `gaps` parts."""
    part = max(highest, least) / gaps
    magnitude = 10.0 ** math.floor(math.log10(part))
    fitting = (m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= part * 0.999)
    return next(fitting) * gaps


def highest(*series: Iterable[Value]) -> float:
    """Return the largest value there is, zero when there is none."""
    return max((value for one in series for value in one if value is not None), default=0.0)


def latest(values: Sequence[Value]) -> Value:
    """Return the newest value there is."""
    return next((value for value in reversed(values) if value is not None), None)


def path_of(values: Sequence[Value], scale: Scale, *, width: float = WIDTH) -> str:
    """Return the line through values, broken where there are none."""
    parts, is_drawing = [], False
    for place, value in enumerate(values):
        if value is not None:
            parts.append(
                f"{'L' if is_drawing else 'M'}{_x(place, values, width)} {scale.y(value):.1f}"
            )
        is_drawing = value is not None
    return "".join(parts)


def fill_of(values: Sequence[Value], scale: Scale, *, width: float = WIDTH) -> str:
    """Return the area between the line through values and zero."""
    base, parts = f"{scale.y(0):.1f}", []
    for start, end in _runs(values):
        line = "".join(
            f"L{_x(place, values, width)} {scale.y(values[place] or 0):.1f}"
            for place in range(start, end + 1)
        )
        parts.append(f"M{_x(start, values, width)} {base}{line}L{_x(end, values, width)} {base}Z")
    return "".join(parts)


def bars_of(stacks: Sequence[tuple[str, Sequence[Value]]], scale: Scale) -> list[Bar]:
    """Return bars for each step, those of later series on top of earlier ones."""
    bars: list[Bar] = []
    steps = len(stacks[0][1])
    gap, width = WIDTH / steps, WIDTH / steps * 0.62
    for place in range(steps):
        base = 0.0
        for css, values in stacks:
            value = values[place] or 0
            if value:
                y = scale.y(base + value)
                bars.append(
                    Bar(
                        css=css,
                        x=f"{gap * place + (gap - width) / 2:.1f}",
                        y=f"{y:.1f}",
                        width=f"{width:.1f}",
                        height=f"{max(scale.y(base) - y, 0.7):.1f}",
                    )
                )
            base += value
    return bars


def spark_of(values: Sequence[Value], summary: str) -> Spark:
    """Return a sparkline; it stays at zero if there are no values."""
    known = values if any(v is not None for v in values) else [0.0] * max(len(values), 2)
    scale = Scale(highest(known) or 1, SPARK_HEIGHT - 4, 2)
    return Spark(
        path=path_of(known, scale, width=SPARK_WIDTH - 3),
        fill=fill_of(known, scale, width=SPARK_WIDTH - 3),
        end=f"{scale.y(latest(known) or 0):.1f}",
        summary=summary,
    )


def spread(lines: Sequence[Line], *, height: float, apart: float = 13) -> list[Line]:
    """Move the labels at the ends of lines apart, so that none covers another."""
    placed = sorted((line for line in lines if line.end), key=lambda line: float(line.end))
    ends = [float(line.end) for line in placed]
    for place in range(1, len(ends)):
        ends[place] = max(ends[place], ends[place - 1] + apart)
    excess = max(ends[-1] - height, 0.0) if ends else 0.0
    moved = {line.label: f"{end - excess:.1f}" for line, end in zip(placed, ends, strict=True)}
    return [replace(line, end=moved.get(line.label, "")) for line in lines]


def steps_of(texts: Sequence[str]) -> list[Step]:
    """Return strips side by side, each of which shows a text."""
    width = 100 / max(len(texts), 1)
    return [
        Step(x=f"{width * place:.2f}%", width=f"{width:.2f}%", text=text)
        for place, text in enumerate(texts)
        if text
    ]


def percent_at(share: float) -> str:
    """Return a place along the time axis."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def _x(place: int, values: Sequence[Value], width: float) -> str:
    return f"{width * place / max(len(values) - 1, 1):.1f}"


def _runs(values: Sequence[Value]) -> list[tuple[int, int]]:
    """Return (first, last) of each stretch without gaps."""
    runs: list[tuple[int, int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs
