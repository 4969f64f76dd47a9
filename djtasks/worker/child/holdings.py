"""The records that a child knows it owns; the self-audit gives back all others."""

import threading
from uuid import UUID

from djtasks.protocol.records import Claim


class Holdings:
    """Claims in hand: queued, running, or executed and not yet settled.

    `claiming` is a lock that is held from sending a claim until its answer is recorded here. Code
    that compares these holdings with the database holds it, too. So a claim whose answer is still
    missing never looks unknown.
    """

    def __init__(self) -> None:
        self.claiming = threading.Lock()
        self._changing = threading.Lock()
        # Keyed by the ids as integers: Python code hashes and compares a UUID, which is slow.
        self._held: dict[int, int] = {}

    def __contains__(self, id_: UUID) -> bool:
        return id_.int in self._held

    def __len__(self) -> int:
        return len(self._held)

    def add(self, claim: Claim) -> None:
        with self._changing:
            self._held[claim.id.int] = claim.fence

    def remove(self, claim: Claim) -> None:
        """Remove a claim. A newer claim of the same record stays.

        Once a settle is applied, the record can be claimed again. This child may hold the new
        claim before it receives the answer to the settle.
        """
        with self._changing:
            if self._held.get(claim.id.int) == claim.fence:
                del self._held[claim.id.int]

    def hold_others_than(self, ids: set[UUID]) -> bool:
        """Return whether any held claim is not in `ids`."""
        numbers = {id_.int for id_ in ids}
        return any(number not in numbers for number in list(self._held))

    def unknown_claims(self, owned: list[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
        """Return those (id, fence) that are not in hand."""
        return [(id_, fence) for id_, fence in owned if self._held.get(id_.int) != fence]
