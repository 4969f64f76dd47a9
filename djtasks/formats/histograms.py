"""Durations as histograms: small, quick to add, and good for percentiles.

Buckets grow by a fourth root of two: bucket 0 ends at one millisecond, each fourth one after
it at twice the time. A percentile is the geometric middle of its bucket, so it is at most
9.1 % off, whatever the times are. Above 12 days everything is in the last bucket.
"""

import math
from collections.abc import Iterable, Mapping

Histogram = dict[int, int]

_FIRST_SECONDS = 0.001
_GROWTH = 2**0.25
_LAST = 120
_PER_LOG = 1 / math.log(_GROWTH)


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket for a duration."""
    if seconds <= _FIRST_SECONDS:
        return 0
    return min(math.ceil(math.log(seconds / _FIRST_SECONDS) * _PER_LOG - 1e-9), _LAST)


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """Return the quantile `share` (0 to 1) in seconds, or None for an empty histogram."""
    total = sum(histogram.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= wanted:
            return _middle(bucket)
    raise AssertionError(histogram)


def _middle(bucket: int) -> float:
    middle: float = _FIRST_SECONDS * _GROWTH ** (bucket - 0.5)
    return middle


def add(total: Histogram, part: Mapping[str, int] | Mapping[int, int]) -> None:
    """Add a histogram to a total; its bucket numbers may be text, as JSON stores them.

    What somebody else stored in another shape is left out.
    """
    for bucket, count in part.items() if isinstance(part, dict) else ():
        try:
            number = int(bucket)
            total[number] = total.get(number, 0) + count
        except (TypeError, ValueError):
            continue


def merged(parts: Iterable[Mapping[str, int] | Mapping[int, int]]) -> Histogram:
    """Return the sum of histograms."""
    total: Histogram = {}
    for part in parts:
        add(total, part)
    return total
