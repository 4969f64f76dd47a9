"""What the fetch loop asks of the pools that it gives its claims to."""

from collections.abc import Iterable
from typing import Protocol

from djtasks.protocol.records import Claim
from djtasks.worker.attempts.running import Running, Work


class Pool(Protocol):
    """Runs work of one kind."""

    @property
    def room(self) -> int:
        """How many more claims the pool should get now."""
        ...

    @property
    def running(self) -> Iterable[Running]: ...
    def submit(self, work: Work) -> None: ...
    def take_back(self) -> list[Claim]:
        """Remove and return the claims that have not started."""
        ...

    def take_back_stuck(self) -> list[Claim]:
        """Call `take_back` if the oldest claim has waited too long for a slot."""
        ...
