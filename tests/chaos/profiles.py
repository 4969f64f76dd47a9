"""How fast time passes in a scenario: a short lease by default, the real one on request."""

import os
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`heartbeat` and what follows from it, in seconds. `slack` is what a busy machine may add
    to any bound."""

    heartbeat: float
    slack: float

    @property
    def lease(self) -> float:
        return 6 * self.heartbeat

    @property
    def lost_hint(self) -> float:
        """Within which a lost hint is found: two looks of the indexer."""
        return 2 * self.heartbeat + 2 + self.slack

    @property
    def lost_claim(self) -> float:
        """Within which a claim without an answer is given back."""
        return 2 * self.heartbeat + self.slack

    @property
    def dead_host(self) -> float:
        """Within which the tasks of a dead host run again: the coordinator's lease, the looks."""
        return max(self.heartbeat, 2.0) + 8 * self.heartbeat + self.slack

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=self.heartbeat)


# A lease of 6 s, so that a process that merely gets no CPU is not taken for a dead one.
FAST = Profile(heartbeat=1.0, slack=15.0)
REAL = Profile(heartbeat=5.0, slack=15.0)

# Whether to run what takes longer than the plain test run can bear.
EVERYTHING = os.environ.get("CHAOS") == "all"
PROFILE = REAL if os.environ.get("PROFILE") == "real" else FAST
