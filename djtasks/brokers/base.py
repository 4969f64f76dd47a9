"""The contract of a broker: an index of ids, and nothing that could not be rebuilt from rows.

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
    """Something wrong with a broker, and the remedy. `code` is stable, such as "eviction"."""

    code: str
    message: str
    remedy: str


class Broker(Protocol):
    """Hints of one TASKS alias. Thread-safe; built as `Broker(alias, options, namespace)`.

    `holds_once`: pushing an id twice keeps one hint. `ranks_exactly`: hints come out by their
    ranks; where False, only those of high, normal (0) and low priority come in this order, and
    those of one kind in about the order in which they were pushed.
    """

    holds_once: bool
    ranks_exactly: bool

    def push(self, hints: Sequence[Hint]) -> int:
        """Add hints to the index and return how many were new; twice is harmless.

        A hint that is there already takes its new rank. A broker whose time is over may leave
        out the last ones, and count them as none. Raises BrokerUnavailable, after which some
        may have been added.
        """
        ...

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        """Take up to `limit` ids out of the index, earlier queues first, best rank first.

        Blocks for at most `wait`; an empty list means that nothing came. What is popped is
        gone: a caller that dies before claiming leaves it to the indexer. Raises
        BrokerUnavailable, after which ids may or may not have been taken.
        """
        ...

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many hints each queue holds. Raises BrokerUnavailable."""
        ...

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        """Take these ids out, as far as that is easy: a claim refuses them anyway."""
        ...

    def diagnose(self) -> list[Problem]:
        """Return what is wrong with the server behind it; never raises BrokerUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """`name` with its version. `now`: its clock; `used` and `limit`: its memory in bytes; each
    None where it does not tell."""

    name: str
    now: datetime | None = None
    used: int | None = None
    limit: int | None = None


@runtime_checkable
class Describes(Protocol):
    """A broker that can describe its server; what a broker may do besides its contract."""

    def describe(self) -> ServerFacts:
        """Ask the server. Raises BrokerUnavailable."""
        ...
