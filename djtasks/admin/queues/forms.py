"""The forms of queues: why and for how long to pause one, which one to purge."""

from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

LENGTHS = (
    ("", _("when somebody resumes it")),
    ("900", _("in 15 minutes")),
    ("3600", _("in 1 hour")),
    ("14400", _("in 4 hours")),
    ("86400", _("in 24 hours")),
)


class PauseForm(forms.Form):
    """A reason that everybody sees, and an optional end."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("Everybody who views this queue sees the reason and your name."),
    )
    length = forms.ChoiceField(label=_("Resumes"), choices=LENGTHS, required=False)

    def until(self, now: datetime) -> datetime | None:
        """Return when the queue opens by itself, None for never."""
        seconds = self.cleaned_data["length"]
        return now + timedelta(seconds=int(seconds)) if seconds else None


class PurgeForm(forms.Form):
    """The queue's name, typed again: what is purged does not come back."""

    typed = forms.CharField(label=_("Type the queue's name"), strip=False)

    def __init__(self, *args: object, queue: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.queue = queue

    def clean_typed(self) -> str:
        """Refuse anything but the name."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.queue:
            raise forms.ValidationError(
                gettext("“%(typed)s” is not “%(queue)s”. Nothing was deleted.")
                % {"typed": typed, "queue": self.queue}
            )
        return typed
