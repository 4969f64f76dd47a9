"""The actions people take on tasks: one table for code, commands and the admin."""

from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext, gettext_noop

from djtasks.protocol.states import FINAL, LIVE, REVIVABLE, State

_CODE = "djtasks.operations.bulk.chunks"


class Refusal(str):
    """Why a record was not changed, in English; `translated` is in the active language."""

    __slots__ = ("_given", "_sentence")
    _given: dict[str, Any]
    _sentence: str

    def __new__(cls, sentence: str, **given: Any) -> Self:
        """Fill the placeholders of a translatable sentence with `given`."""
        made = super().__new__(cls, sentence % given if given else sentence)
        made._sentence, made._given = sentence, given
        return made

    @property
    def translated(self) -> str:
        """Return the sentence in the active language."""
        words = gettext(self._sentence)
        return words % self._given if self._given else words


NO_SUCH_TASK = gettext_noop("No such task.")
CHANGED_MEANWHILE = gettext_noop("It was changed or deleted in the meantime.")
KEY_TAKEN = gettext_noop("Another live task holds its unique key.")
KEY_TAKEN_BY = gettext_noop("The live task %(holder)s holds its unique key.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action on tasks, one by one or on all that match.

    `states`: the states it is possible in. `options`: those it takes; those in `needed` are
    required. `permission`: the codename of the permission that it requires in the admin.
    `refusal`: why a record in another state is not changed; `refusal_of_one` replaces it for a
    single task, with its %(state)s. `deletes`: it deletes the records. `makes_due`: workers are
    told of the records that are due after it. `code`: the dotted path of the function that
    applies it to a chunk of ids.
    """

    name: str
    states: frozenset[State]
    permission: str
    refusal: str
    code: str
    refusal_of_one: str = ""
    options: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    deletes: bool = False
    makes_due: bool = False

    def refuse_one(self, state: int) -> Refusal:
        """Return why a record in this state is not changed."""
        if self.refusal_of_one:
            return Refusal(self.refusal_of_one, state=State(state).name)
        return Refusal(self.refusal)


RETRY = Action(
    name="retry",
    states=REVIVABLE,
    permission="retry_taskrecord",
    refusal=gettext_noop("It is neither failed, cancelled nor expired."),
    refusal_of_one=gettext_noop("It is %(state)s."),
    options=frozenset({"queue", "priority", "run_after", "spread"}),
    makes_due=True,
    code=f"{_CODE}.retry",
)
CANCEL = Action(
    name="cancel",
    states=LIVE,
    permission="cancel_taskrecord",
    refusal=gettext_noop("It is final already."),
    code=f"{_CODE}.cancel",
)
DISCARD = Action(
    name="discard",
    states=frozenset(State) - {State.RUNNING},
    permission="discard_taskrecord",
    refusal=gettext_noop("It is running: cancel it first."),
    deletes=True,
    code=f"{_CODE}.delete",
)
RESCHEDULE = Action(
    name="reschedule",
    states=frozenset({State.READY, State.WAITING}),
    permission="reschedule_taskrecord",
    refusal=gettext_noop("It is not ready."),
    options=frozenset({"run_after", "spread"}),
    needed=frozenset({"run_after"}),
    makes_due=True,
    code=f"{_CODE}.reschedule",
)
DELETE = Action(
    name="delete",
    states=FINAL,
    permission="delete_taskrecord",
    refusal=gettext_noop("It is not final."),
    deletes=True,
    code=f"{_CODE}.delete",
)
ACTIONS = {action.name: action for action in (RETRY, CANCEL, DISCARD, RESCHEDULE, DELETE)}
