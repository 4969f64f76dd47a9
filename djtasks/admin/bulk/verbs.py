"""What can be done to many tasks: which of them each verb is for, and what it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from djtasks.inspection.search.keys import FINAL_PHASES, READY_PHASES
from djtasks.protocol.states import FINAL, LIVE, REVIVABLE, State

Words = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing that can be done to many tasks.

    `action`: what `operations.start_bulk` calls it. `states`: those it is for; the others are
    left alone. `effect`: what becomes of the tasks. `is_destroying`: they are gone after it.
    """

    name: str
    action: str
    label: Words
    permission: str
    states: frozenset[State]
    effect: Words
    phases: tuple[str, ...]
    is_destroying: bool = False

    @property
    def is_likely(self) -> bool:
        """Return whether it is the one that is mostly meant, where it makes sense at all."""
        return self.name == "retry"


_REVIVABLE_PHASES = ("failed", "cancelled", "expired")
VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            name="retry",
            action="retry",
            label=_("Retry"),
            permission="retry_taskrecord",
            states=REVIVABLE,
            effect=_("become ready again, with all their attempts, and start at once."),
            phases=_REVIVABLE_PHASES,
        ),
        Verb(
            name="change",
            action="retry",
            label=_("Retry with changes"),
            permission="retry_taskrecord",
            states=REVIVABLE,
            effect=_("become ready again, with all their attempts, as you say below."),
            phases=_REVIVABLE_PHASES,
        ),
        Verb(
            name="reschedule",
            action="reschedule",
            label=_("Reschedule"),
            permission="reschedule_taskrecord",
            states=frozenset({State.READY}),
            effect=_("are due at another time; nothing else about them changes."),
            phases=READY_PHASES,
        ),
        Verb(
            name="cancel",
            action="cancel",
            label=_("Cancel"),
            permission="cancel_taskrecord",
            states=LIVE,
            effect=_(
                "are cancelled: those that wait at once, those that run are told to stop within "
                "seconds. They stay in the list and can be retried."
            ),
            phases=(*READY_PHASES, "running"),
        ),
        Verb(
            name="discard",
            action="discard",
            label=_("Discard"),
            permission="discard_taskrecord",
            states=frozenset(State) - {State.RUNNING},
            effect=_("are deleted without being run (again), whatever their state."),
            phases=READY_PHASES,
            is_destroying=True,
        ),
        Verb(
            name="delete",
            action="delete",
            label=_("Delete"),
            permission="delete_taskrecord",
            states=FINAL,
            effect=_("are deleted, with their results and errors; statistics keep their counts."),
            phases=FINAL_PHASES,
            is_destroying=True,
        ),
    )
}


def verbs_for(request: HttpRequest, phases: Sequence[str]) -> list[Verb]:
    """Return what a person may do to tasks in these states (none: in any)."""
    return [
        verb
        for verb in VERBS.values()
        if request.user.has_perm(f"djtasks.{verb.permission}")
        and (not phases or set(phases) & set(verb.phases))
    ]
