"""The contract of a broker: an index of task ids that can be rebuilt from the rows.

`djtasks.testing.BrokerContract` is its conformance suite.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

from djtasks.protocol.hints import Hint

NamespaceGetter = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem of a broker and its remedy. `code` is stable, such as "eviction"."""

    code: str
    message: str
    remedy: str


class Broker(Protocol):
    """Stores the hints of one TASKS alias. Thread-safe; `Broker(alias, options, namespace)`.

    `holds_once`: pushing an id twice keeps one hint. `ranks_exactly`: `pop` returns hints by
    rank. If False, it returns high, normal (0) and low priority in this order, and hints within
    one of these three roughly in the order of their pushes.
    """

    holds_once: bool
    ranks_exactly: bool

    def push(self, hints: Sequence[Hint]) -> int:
        """Add hints to the index and return how many were new; repeating a push is harmless.

        A hint that is already there gets its new rank. If its deadline passes, a broker may skip
        the remaining hints; it must not count them. Raises BrokerUnavailable; some hints may
        have been added by then.
        """
        ...

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        """Remove and return up to `limit` ids, earlier queues first, best rank first.

        Blocks for at most `wait`; returns an empty list if nothing arrived. Popped ids are gone:
        if the caller dies before it claims them, the indexer pushes them again. Raises
        BrokerUnavailable; ids may have been removed by then.
        """
        ...

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many hints each queue holds. Raises BrokerUnavailable."""
        ...

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        """Remove these ids if that is cheap; otherwise leave them, since no claim accepts them."""
        ...

    def diagnose(self) -> list[Problem]:
        """Return the problems of the broker's server; never raises BrokerUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a broker's server reports about itself; None for what it does not report.

    `name` includes the version. `now` is its clock. `used` and `limit` are memory in bytes.
    """

    name: str
    now: datetime | None = None
    used: int | None = None
    limit: int | None = None


@runtime_checkable
class Describes(Protocol):
    """A broker that can describe its server. Optional: not part of the broker contract."""

    def describe(self) -> ServerFacts:
        """Return facts about the server. Raises BrokerUnavailable."""
        ...
