"""What a broker's server says of itself, for those who examine it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


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
