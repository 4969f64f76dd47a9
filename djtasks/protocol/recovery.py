"""Decide what happens to a record whose process is gone. Pure, like `judge`."""

from dataclasses import dataclass
from uuid import UUID

from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How a process ended.

    `crashed`: it did not drain, and was not stopped because of another process. `alone`: it was a
    fresh process for one suspect record. `running`: the records that it was executing when it
    died; None if unknown.
    """

    crashed: bool
    alone: bool = False
    running: frozenset[UUID] | None = None

    def spares(self, record_id: UUID) -> bool:
        """Return whether this record certainly did not cause the crash.

        It was claimed but not running, while others were running. A process that died while it
        ran no record at all spares no record; otherwise such crashes would never count.
        """
        return bool(self.running) and record_id not in (self.running or ())


@dataclass(frozen=True, slots=True)
class Release:
    """The new state of a record, and its new crash count."""

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
    """Return the new state of a RUNNING record that may have started before its process ended.

    If other records ran too, a crash counts only up to `max_crashes` - 1, since nobody knows which
    record caused it. From then on the record runs alone, and only a crash alone is its last. A
    record that `is_spared` goes back unchanged. A record with `max_crashes` 1 must never start
    twice, and may have finished without being settled, so it always ends as FAILED.
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
