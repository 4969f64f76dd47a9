"""What becomes of a record whose process is gone. Pure, like `judge`, and the only such place."""

from dataclasses import dataclass
from uuid import UUID

from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How a process left: `crashed` (not by a drain or for a neighbour's sake), `alone` (it
    was a fresh process for one suspect record), `running` the records it was at when it died,
    None where nobody can tell."""

    crashed: bool
    alone: bool = False
    running: frozenset[UUID] | None = None

    def spares(self, record_id: UUID) -> bool:
        """Return whether this record surely has nothing to do with the crash.

        It was claimed and not at work while others were. A process that died while it was at
        no record at all spares nobody, else what kills it so would never be counted.
        """
        return bool(self.running) and record_id not in (self.running or ())


@dataclass(frozen=True, slots=True)
class Release:
    """Where a record goes, and its new count of crashes."""

    state: State
    crash_count: int


def judge_release(
    departure: Departure,
    *,
    cancel_requested: bool,
    crash_count: int,
    max_crashes: int,
    is_spared: bool = False,
) -> Release:
    """Decide where a RUNNING record goes that may have started before its process left.

    A crash in company counts only up to `max_crashes` - 1, since nobody knows who caused it;
    from there the record runs alone, and only a crash alone is its last. One that `is_spared`
    goes back as it was. A record with `max_crashes` 1 must never start twice, and may have
    ended without being settled, so it is lost whatever the reason.
    """
    if cancel_requested:
        return Release(State.CANCELLED, crash_count)
    if max_crashes == 1:
        return Release(State.FAILED, crash_count + departure.crashed)
    if is_spared or not departure.crashed:
        return Release(State.READY, crash_count)
    if departure.alone:
        fatal = crash_count + 1 >= max_crashes
        return Release(State.FAILED if fatal else State.READY, crash_count + 1)
    return Release(State.READY, min(crash_count + 1, max_crashes - 1))
