"""The built-in actions as the admin shows them: their labels, forms and descriptions.

Their states, permissions and whether they delete are in `operations.ACTIONS`.
"""

from django.utils.translation import gettext_lazy as _

from djtasks.admin.bulk.forms import ChangesForm, MoveForm
from djtasks.admin.forms.task import RescheduleForm, RetryForm
from djtasks.admin.task_actions import Many, One, TaskAction, Words
from djtasks.admin.tasks import deeds
from djtasks.inspection.search.phases import READY_PHASES
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
    """Return the TaskAction for an entry of `operations.ACTIONS`, with its labels and forms."""
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
        effect=_(
            "The task becomes ready again with all its attempts. Its earlier failures stay here."
        ),
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
            effect=_("become ready again with all their attempts and the changes below."),
            form=ChangesForm,
        ),
    ),
    _face(
        "reschedule",
        label=_("Reschedule"),
        effect=_("The task becomes due at that time. Its attempts and arguments stay."),
        one=One(
            title=_("Reschedule"),
            at_once=_("Run now"),
            asks=_("Reschedule…"),
            form=RescheduleForm,
            handler=deeds.reschedule,
        ),
        many=Many(
            effect=_("become due at the new time. Nothing else about them changes."),
            form=MoveForm,
        ),
    ),
    _face(
        "cancel",
        label=_("Cancel"),
        effect=_(
            "A waiting task never starts. A running task is asked to stop within a heartbeat, and "
            "ends when its code allows it. You can retry a cancelled task."
        ),
        one=One(
            title=_("Cancel the task"), asks=_("Cancel…"), handler=deeds.cancel, is_danger=True
        ),
        many=Many(
            effect=_(
                "are cancelled. Waiting tasks are cancelled at once; running tasks are asked to "
                "stop within seconds. They stay in the list, and you can retry them."
            )
        ),
    ),
    _face(
        "discard",
        label=_("Discard"),
        effect=_(
            "The record is deleted permanently, with its arguments, result and failures. The log "
            "keeps what people did to the task."
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
