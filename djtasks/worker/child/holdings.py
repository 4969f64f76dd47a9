"""The records this child knows to be its own; what it does not know, the self-audit gives back."""

import threading
from uuid import UUID

from djtasks.protocol.records import Claim


class Holdings:
    """Claims in hand: queued, running, or executed and not yet settled.

    `claiming` is held from sending a claim until its answer is booked here. Whoever compares
    these holdings with the database holds it too, so that a claim in the air, whose ids may
    not even be known yet, never looks like a stranger's.
    """

    def __init__(self) -> None:
        self.claiming = threading.Lock()
        self._changing = threading.Lock()
        # By the ids' numbers: a UUID is hashed and compared by Python code.
        self._held: dict[int, int] = {}

    def __contains__(self, id_: UUID) -> bool:
        return id_.int in self._held

    def __len__(self) -> int:
        return len(self._held)

    def add(self, claim: Claim) -> None:
        with self._changing:
            self._held[claim.id.int] = claim.fence

    def remove(self, claim: Claim) -> None:
        """Let a claim go. A newer one of the same record stays.

        A record is free for its next claim once its settle is applied, and this child may have
        that claim in hand before it hears of the settle.
        """
        with self._changing:
            if self._held.get(claim.id.int) == claim.fence:
                del self._held[claim.id.int]

    def hold_others_than(self, ids: set[UUID]) -> bool:
        """Return whether anything is held that is not in `ids`."""
        numbers = {id_.int for id_ in ids}
        return any(number not in numbers for number in list(self._held))

    def unknown_claims(self, owned: list[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
        """Return those (id, fence) that are not in hand."""
        return [(id_, fence) for id_, fence in owned if self._held.get(id_.int) != fence]
