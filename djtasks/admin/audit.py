"""The audit trail of a task: what people did to it and what happened to it, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.translation import gettext as _

from djtasks.inspection import TaskFacts
from djtasks.models import TaskRecord
from djtasks.templatetags.djtasks_pages import NOTHING

MOST_ENTRIES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail; `who` is empty unless a person did it."""

    at: datetime
    who: str
    text: str


def trail_of(record_id: UUID, facts: TaskFacts | None = None) -> list[Entry]:
    """Return the trail of a record; without facts (a deleted record), only what people did.

    Takes one query, and reads at most the newest 50 log entries.
    """
    entries = people_on(TaskRecord, record_id)
    if facts is not None:
        entries += _by_itself(facts)
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def people_on(model: type[Model], pk: UUID | str) -> list[Entry]:
    """Return what people did to a row, newest first, at most 50 entries; one query."""
    return list(_by_people(model, str(pk)))


def _by_people(model: type[Model], pk: str) -> Iterator[Entry]:
    kind = ContentType.objects.get_for_model(model)
    log = LogEntry.objects.filter(content_type=kind, object_id=pk.replace("\x00", ""))
    for entry in log.select_related("user").order_by("-action_time")[:MOST_ENTRIES]:
        change = entry.get_change_message()
        if entry.is_addition() and not change:
            change = _("enqueued it")
        yield Entry(at=entry.action_time, who=entry.user.get_username(), text=change)


def _by_itself(facts: TaskFacts) -> Iterator[Entry]:
    yield Entry(at=facts.enqueued_at, who="", text=_("Enqueued"))
    for attempt in facts.attempts:
        if attempt.ended_at is None or attempt.outcome == "running":
            continue
        number = attempt.number or NOTHING
        if attempt.outcome == "successful":
            text = _("Attempt %(number)s succeeded") % {"number": number}
        else:
            said = {"number": number, "error": attempt.exception.rpartition(".")[2]}
            text = _("Attempt %(number)s ended with %(error)s") % said
        yield Entry(at=attempt.ended_at, who="", text=text)
    if facts.finished_at is not None:
        text = _("Final: %(state)s") % {"state": facts.phase}
        yield Entry(at=facts.finished_at, who="", text=text)
