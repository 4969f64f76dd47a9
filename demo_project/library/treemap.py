"""The picture of a report: packages as boxes, their files as cells, all in proportion to lines.

Pure functions from numbers to places; a template draws them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_GAP = 1.5
_LABEL_HEIGHT = 18
_LEAST_LABELLED = (44.0, 40.0)
_LEAST_COUNTED = 140.0

# A file's tint tells how much of it is comments and docstrings, in percent.
TINTS = ((0, "under 5 %"), (5, "5 to 10 %"), (10, "10 to 20 %"), (20, "20 % and more"))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, gap: float, *, above: float = 0) -> "Box":
        """Return the box without a border, and without a strip at its top."""
        width = max(self.width - 2 * gap, 0)
        height = max(self.height - 2 * gap - above, 0)
        return Box(self.x + gap, self.y + gap + above, width, height)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the picture needs of a file."""

    package: str
    lines: int
    comment_lines: int


@dataclass(frozen=True, slots=True)
class PackageBox:
    """A package in the picture; it may be large enough for its name, even for its lines."""

    name: str
    files: int
    lines: int
    comment_percent: int
    box: Box
    has_label: bool
    has_count: bool


@dataclass(frozen=True, slots=True)
class Treemap:
    """Packages, largest first, and all their files as one SVG path for each of TINTS."""

    width: int
    height: int
    packages: Sequence[PackageBox]
    paths: Sequence[str]


def draw(files: Iterable[FileFacts], *, width: int, height: int) -> Treemap:
    """Lay all files with lines out in a box of this size."""
    shelves: dict[str, list[FileFacts]] = {}
    for file in files:
        if file.lines > 0:
            shelves.setdefault(file.package, []).append(file)
    ordered = sorted(shelves.items(), key=lambda shelf: -sum(f.lines for f in shelf[1]))
    sizes = [sum(file.lines for file in inside) for _, inside in ordered]
    packages, paths = [], [list[str]() for _ in TINTS]
    boxes = squarify(sizes, Box(0, 0, width, height))
    for (name, inside), lines, outer in zip(ordered, sizes, boxes, strict=True):
        box = outer.inset(_GAP)
        has_label = box.width >= _LEAST_LABELLED[0] and box.height >= _LEAST_LABELLED[1]
        comments = sum(file.comment_lines for file in inside)
        percent = round(100 * comments / lines)
        has_count = has_label and box.width >= _LEAST_COUNTED
        packages.append(PackageBox(name, len(inside), lines, percent, box, has_label, has_count))
        _draw_files(inside, box.inset(0, above=_LABEL_HEIGHT if has_label else 0), paths)
    return Treemap(width, height, packages, ["".join(parts) for parts in paths])


def _draw_files(files: Sequence[FileFacts], box: Box, paths: Sequence[list[str]]) -> None:
    ordered = sorted(files, key=lambda file: -file.lines)
    for file, cell in zip(ordered, squarify([f.lines for f in ordered], box), strict=True):
        tint = tint_of(file.lines, file.comment_lines)
        paths[tint].append(
            f"M{cell.x:.1f} {cell.y:.1f}h{cell.width:.1f}v{cell.height:.1f}h{-cell.width:.1f}z"
        )


def tint_of(lines: int, comment_lines: int) -> int:
    """Return which of TINTS a file has."""
    percent = 100 * comment_lines / lines
    return max(number for number, (least, _) in enumerate(TINTS) if percent >= least)


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a box for each size, in the same order, with areas in proportion.

    Sizes must be positive and sorted, largest first. Squarified (Bruls, Huizing, van Wijk):
    rows are filled along the shorter side for as long as their boxes become squarer.
    """
    boxes: list[Box] = []
    rest, start = box, 0
    scale = box.width * box.height / (sum(sizes) or 1)
    areas = [size * scale for size in sizes]
    while start < len(areas):
        side = min(rest.width, rest.height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(
            areas[start:end], side
        ):
            end += 1
        row, rest = _lay(areas[start:end], rest)
        boxes += row
        start = end
    return boxes


def _worst(areas: Sequence[float], side: float) -> float:
    """Return the longest side in proportion to the shortest, over all boxes of a row."""
    total = sum(areas)
    if total <= 0 or side <= 0:
        return float("inf")
    return max(side**2 * max(areas) / total**2, total**2 / (side**2 * min(areas)))


def _lay(areas: Iterable[float], box: Box) -> tuple[list[Box], Box]:
    """Put a row along the shorter side of a box; return its boxes and what is left."""
    areas = list(areas)
    side = min(box.width, box.height)
    depth = sum(areas) / side if side else 0
    boxes, offset = [], 0.0
    upright = box.width >= box.height
    for area in areas:
        length = area / depth if depth else 0
        if upright:
            boxes.append(Box(box.x, box.y + offset, depth, length))
        else:
            boxes.append(Box(box.x + offset, box.y, length, depth))
        offset += length
    if upright:
        return boxes, Box(box.x + depth, box.y, max(box.width - depth, 0), box.height)
    return boxes, Box(box.x, box.y + depth, box.width, max(box.height - depth, 0))
