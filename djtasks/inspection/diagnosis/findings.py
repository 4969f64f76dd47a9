"""What can be wrong with queues, workers, schedules and the broker: one table for everybody.

`djtasks status`, `doctor` and `why` and the admin's banners, rows and reasons all ask it, so none
of them contradicts another. A rule has a code that stays, a condition over facts that were read
already, and words that are translated when they are shown.

What is BAD hurts now: tasks wait, or do not fire. WARN will hurt, or might. An alert needs
somebody at once, so it is a banner and a problem of `status`; the rest is for a doctor, whom one
asks before anything hurts. In particular:

- A queue that nobody serves is BAD as soon as tasks wait in it, and WARN for a doctor before: with
  workers that are started on demand it is no news.
- A paused queue misses nobody. Whoever paused it knows that its tasks wait.
- Children that drain take nothing. A queue that only they serve is one that nobody serves, with
  another remedy: they may be resumed. What they run ends, whichever version they are of.
- A child that isolates a suspect task takes nothing either, and nobody would resume it.
- Schedules are late when the longest due one waits longer than a living scheduler lets it; one
  that waits for its own last run is not late. That no scheduler has ever run is WARN before.
- A broken schedule fires never again, so it is BAD, due or not.
- Children that are silent have no version, and no say in which is deployed. The version of the
  process that looks counts, since it may enqueue what they do not know.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from djtasks.brokers import Problem
from djtasks.formats.durations import in_words
from djtasks.inspection.diagnosis.facts import QueueFacts, Service, WorkerFacts
from djtasks.inspection.diagnosis.situation import (
    Situation,
    Subject,
    broken,
    silent,
    unfired,
    unserved,
    versions,
    without_scheduler,
)


class Level(StrEnum):
    """OK; WARN: it works, and will hurt; BAD: something does not work."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is well or wrong. `code` is stable; `part` is what it is about.

    `text` is what is wrong, `meaning` what that means, `advice` what to do, `command` what to type
    for it. They are translated when they are shown. `lasted`: for how long, `since` when. `links`:
    the pages that help. `seconds`: what a doctor measured.
    """

    part: str
    level: Level
    code: str
    text: str | Promise
    meaning: str | Promise = ""
    advice: str | Promise = ""
    command: str = ""
    is_alert: bool = False
    since: datetime | None = None
    lasted: timedelta | None = None
    queue: str | None = None
    worker: WorkerFacts | None = None
    links: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def is_bad(self) -> bool:
        """Whether something does not work."""
        return self.level is Level.BAD

    @property
    def statement(self) -> str:
        """What is wrong and for how long."""
        if self.lasted is None:
            return str(self.text)
        return gettext("%(text)s For %(span)s now.") % {
            "text": self.text,
            "span": in_words(self.lasted),
        }

    @property
    def remedy(self) -> str:
        """What to do about it, in a line."""
        return f"{self.advice} {self.command}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRule:
    """One thing that can be wrong. `condition` returns what it is true of, empty: of nothing.

    Its words may name the subject's values; so may its command, which names `backend` too.
    """

    code: str
    part: str
    level: Level
    condition: Callable[[Situation], Iterable[Subject]]
    text: str | Promise
    meaning: str | Promise = ""
    advice: str | Promise = ""
    command: str = ""
    is_alert: bool = True
    links: tuple[str, ...] = ()

    def findings(self, situation: Situation) -> Iterator[Finding]:
        """Return what of its sort is wrong."""
        for subject in self.condition(situation):
            yield Finding(
                part=self.part,
                level=self.level,
                code=self.code,
                text=_said(self.text, subject.values),
                meaning=self.meaning,
                advice=self.advice,
                command=self.command % {"backend": situation.backend, **subject.values},
                is_alert=self.is_alert,
                since=None if subject.lasted is None else situation.now - subject.lasted,
                lasted=subject.lasted,
                queue=subject.queue,
                worker=subject.worker,
                links=self.links,
            )


def _filled(words: Any, values: Mapping[str, Any]) -> str:
    return str(words % values)


_said = lazy(_filled, str)


def findings_of(situation: Situation) -> list[Finding]:
    """Return what is wrong, worst first."""
    found = [finding for rule in RULES for finding in rule.findings(situation)]
    found += [about_broker(problem) for problem in situation.problems]
    return sorted(found, key=lambda finding: not finding.is_bad)


def about_queue(queue: QueueFacts, *, backend: str, now: datetime) -> Finding | None:
    """Return what is wrong with a queue, None for nothing."""
    situation = Situation(now=now, backend=backend, lease=timedelta(0), queues=[queue])
    return next(iter(findings_of(situation)), None)


def about_broker(problem: Problem) -> Finding:
    """Return a problem of the broker, which has a code and words of its own, as a finding."""
    return Finding(
        part="broker",
        level=Level.BAD,
        code=problem.code,
        text=problem.message,
        meaning=_("Nothing is lost: workers find in the database what it does not give them."),
        advice=problem.remedy,
        is_alert=True,
    )


_RUNWORKER = "manage.py runworker --backend %(backend)s --queues %(queue)s"
_START_ONE = _("Start one:")
_RESUME_ONE = _("Resume one of them, or start another:")
_RUNBEAT = "manage.py runbeat --backend %(backend)s"
_START_SCHEDULER = _("Start a worker without --no-beat, or:")
# What `why` says of a task whose worker is silent, too.
ITS_TASKS_COME_BACK = _("Its tasks are given back by the next supervisor that looks.")
_THEY_WAIT = _("Nothing is lost: they run as soon as a worker serves it.")

RULES = (
    FindingRule(
        code="no-worker", part="workers", level=Level.BAD,
        condition=unserved(Service.NONE, is_due=True),
        text=ngettext_lazy(
            "No live worker serves queue %(queue)r. %(count)s task is due.",
            "No live worker serves queue %(queue)r. %(count)s tasks are due.",
            "due",
        ),
        meaning=_THEY_WAIT, advice=_START_ONE, command=_RUNWORKER, links=("queues", "workers"),
    ),
    FindingRule(
        code="no-worker", part="workers", level=Level.BAD,
        condition=unserved(Service.DRAINING, is_due=True),
        text=ngettext_lazy(
            "Only draining workers serve queue %(queue)r. %(count)s task is due.",
            "Only draining workers serve queue %(queue)r. %(count)s tasks are due.",
            "due",
        ),
        meaning=_THEY_WAIT, advice=_RESUME_ONE, command=_RUNWORKER, links=("queues", "workers"),
    ),
    FindingRule(
        code="no-worker", part="workers", level=Level.WARN, is_alert=False,
        condition=unserved(Service.NONE, is_due=False),
        text=_("No live worker serves queue %(queue)r."),
        advice=_START_ONE, command=_RUNWORKER, links=("queues", "workers"),
    ),
    FindingRule(
        code="no-worker", part="workers", level=Level.WARN, is_alert=False,
        condition=unserved(Service.DRAINING, is_due=False),
        text=_("Only draining workers serve queue %(queue)r."),
        advice=_RESUME_ONE, command=_RUNWORKER, links=("queues", "workers"),
    ),
    FindingRule(
        code="no-scheduler", part="scheduler", level=Level.BAD, condition=unfired,
        text=_("Schedules are due and nobody fires them."),
        meaning=_("Each fires as soon as somebody does, as its rule for missed runs says."),
        advice=_START_SCHEDULER, command=_RUNBEAT, links=("schedules", "workers"),
    ),
    FindingRule(
        code="no-scheduler", part="scheduler", level=Level.WARN, is_alert=False,
        condition=without_scheduler,
        text=ngettext_lazy(
            "Nobody fires the %(count)s schedule.", "Nobody fires the %(count)s schedules.",
            "schedules",
        ),
        advice=_START_SCHEDULER, command=_RUNBEAT, links=("schedules", "workers"),
    ),
    FindingRule(
        code="broken-schedule", part="scheduler", level=Level.BAD, condition=broken,
        text=_("Schedule %(schedule)r is broken and does not fire: %(reason)s"),
        advice=_("Correct it in the admin or in the code."), links=("schedules",),
    ),
    FindingRule(
        code="silent-worker", part="workers", level=Level.WARN, condition=silent,
        text=_("Worker %(host)s:%(pid)s is silent."),
        meaning=ITS_TASKS_COME_BACK,
        advice=_("See whether its host is up."), links=("workers",),
    ),
    FindingRule(
        code="versions", part="workers", level=Level.WARN, condition=versions,
        text=_("Workers run djtasks %(versions)s, this process runs %(own)s."),
        meaning=_("Tasks may meet a worker that does not know them yet."),
        advice=_("Restart what was left out of the last deploy."), links=("workers",),
    ),
)  # fmt: skip
