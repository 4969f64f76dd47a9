"""The forms of queues: the reason and end of a pause, and the confirmation of a purge."""

from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from djtasks.admin.forms.storable import StorableForm

LENGTHS = (
    ("", _("when somebody resumes it")),
    ("900", _("in 15 minutes")),
    ("3600", _("in 1 hour")),
    ("14400", _("in 4 hours")),
    ("86400", _("in 24 hours")),
)


class PauseForm(StorableForm):
    """The reason of a pause, which everybody sees, and its optional end."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("Everybody who views this queue sees the reason and your name."),
    )
    length = forms.ChoiceField(label=_("Resumes"), choices=LENGTHS, required=False)

    def until(self, now: datetime) -> datetime | None:
        """Return when the queue resumes automatically, or None for never."""
        seconds = self.cleaned_data["length"]
        return now + timedelta(seconds=int(seconds)) if seconds else None


class PurgeForm(StorableForm):
    """The confirmation of a purge: the user types the name of the queue."""

    typed = forms.CharField(label=_("Type the queue's name"), strip=False)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        help_text=_("The log keeps the reason and your name."),
    )

    def __init__(self, *args: object, queue: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.queue = queue

    def clean_typed(self) -> str:
        """Raise ValidationError unless the text is the queue's name."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.queue:
            raise forms.ValidationError(
                gettext("“%(typed)s” is not “%(queue)s”. Nothing was deleted.")
                % {"typed": typed, "queue": self.queue}
            )
        return typed
