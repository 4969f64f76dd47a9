"""The actions of djtasks as the admin shows them: labels, forms and words for a row of the table.

States, permissions and what they delete are in `operations.ACTIONS`.
"""

from django.utils.translation import gettext_lazy as _

from djtasks.admin.bulk.forms import ChangesForm, MoveForm
from djtasks.admin.forms.task import RescheduleForm, RetryForm
from djtasks.admin.task_actions import Many, One, TaskAction, Words
from djtasks.admin.tasks import deeds
from djtasks.inspection.search.keys import READY_PHASES
from djtasks.operations import ACTIONS


def _face(
    operation: str,
    *,
    label: Words,
    many: Many | None,
    one: One | None = None,
    name: str = "",
    effect: Words = "",
) -> TaskAction:
    """Return an action of the table with the words and forms of the admin."""
    action = ACTIONS[operation]
    return TaskAction(
        name=name or operation,
        operation=operation,
        label=label,
        permission=f"djtasks.{action.permission}",
        states=action.states,
        is_destroying=action.deletes,
        effect=effect,
        one=one,
        many=many,
    )


BUILT_IN = (
    _face(
        "retry",
        label=_("Retry"),
        effect=_("It becomes ready again with all its attempts. Its failures so far stay here."),
        one=One(
            title=_("Retry"),
            at_once=_("Retry"),
            asks=_("Retry with changes…"),
            form=RetryForm,
            handler=deeds.retry,
        ),
        many=Many(
            effect=_("become ready again, with all their attempts, and start at once."),
            is_likely=True,
        ),
    ),
    _face(
        "retry",
        name="change",
        label=_("Retry with changes"),
        many=Many(
            effect=_("become ready again, with all their attempts, as you say below."),
            form=ChangesForm,
        ),
    ),
    _face(
        "reschedule",
        label=_("Reschedule"),
        effect=_("It becomes due at that time; attempts and arguments stay."),
        one=One(
            title=_("Reschedule"),
            at_once=_("Run now"),
            asks=_("Reschedule…"),
            form=RescheduleForm,
            handler=deeds.reschedule,
        ),
        many=Many(
            effect=_("are due at another time; nothing else about them changes."),
            form=MoveForm,
        ),
    ),
    _face(
        "cancel",
        label=_("Cancel"),
        effect=_(
            "One that waits never starts. One that runs is told within a heartbeat, and "
            "ends when its code lets it. A cancelled task can be retried."
        ),
        one=One(
            title=_("Cancel the task"), asks=_("Cancel…"), handler=deeds.cancel, is_danger=True
        ),
        many=Many(
            effect=_(
                "are cancelled: those that wait at once, those that run are told to stop within "
                "seconds. They stay in the list and can be retried."
            )
        ),
    ),
    _face(
        "discard",
        label=_("Discard"),
        effect=_(
            "Its record is deleted for good, with its arguments, result and failures. What "
            "was done to it stays in the log."
        ),
        one=One(
            title=_("Discard the task"), asks=_("Discard…"), handler=deeds.discard, is_danger=True
        ),
        many=Many(
            effect=_("are deleted without being run (again), whatever their state."),
            phases=READY_PHASES,
        ),
    ),
    _face(
        "delete",
        label=_("Delete"),
        many=Many(
            effect=_("are deleted, with their results and errors; statistics keep their counts.")
        ),
    ),
)
