"""What can be wrong with queues, workers, schedules and the broker: one table of rules.

`djtasks status`, `doctor`, `why` and the admin all use it, so they never contradict each other. A
rule has a stable code, a condition over facts that were read already, and words that are
translated when they are shown.

BAD hurts now: tasks wait, or schedules do not fire. WARN will hurt, or might. An alert needs
somebody at once, so the admin shows a banner and `status` a problem; `doctor` shows the rest too.
In particular:

- A queue that no worker serves is BAD as soon as tasks wait in it. Before that it is a WARN of
  the doctor, because workers may be started on demand.
- A paused queue needs no worker. Whoever paused it knows that its tasks wait.
- Draining children take no tasks. A queue that only they serve is not served, but has another
  remedy: you can resume them. They end what they run, whatever their version.
- A child that isolates a suspect task takes no tasks either, and you cannot resume it.
- Schedules are late when one of them waits longer than a live scheduler allows. A schedule that
  waits for its own last run is not late. Until one is late, a missing scheduler is a WARN.
- A schedule may skip runs while its last one is not over. Ten in a row are a WARN.
- A broken schedule never fires again, so it is BAD, due or not.
- Silent children do not count for the deployed version. The version of this process counts,
  because it may enqueue tasks that the workers do not know.
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
    skipping,
    unfired,
    unserved,
    versions,
    without_scheduler,
)


class Level(StrEnum):
    """OK; WARN: it works, but will cause trouble; BAD: something does not work."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that works or is wrong. `code` is stable; `part` is what it is about.

    `text` says what is wrong, `meaning` what follows, `advice` what to do, `command` what to type.
    They are translated when they are shown. `lasted`: for how long; `since`: since when. `links`:
    the pages that help. `seconds`: the time that the doctor measured.
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
        """Say what is wrong, and for how long."""
        if self.lasted is None:
            return str(self.text)
        return gettext("%(text)s This has lasted %(span)s.") % {
            "text": self.text,
            "span": in_words(self.lasted),
        }

    @property
    def remedy(self) -> str:
        """Say what to do about it, in one line."""
        return f"{self.advice} {self.command}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRule:
    """One thing that can be wrong. `condition` returns the subjects that it is wrong with.

    The text and the command may use the subject's values; the command may use `backend`, too.
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
        """Return a finding for each subject that the rule is true of."""
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
    """Return everything that is wrong, worst first."""
    found = [finding for rule in RULES for finding in rule.findings(situation)]
    found += [about_broker(problem) for problem in situation.problems]
    return sorted(found, key=lambda finding: not finding.is_bad)


def about_queue(queue: QueueFacts, *, backend: str, now: datetime) -> Finding | None:
    """Return what is wrong with a queue, or None."""
    situation = Situation(now=now, backend=backend, lease=timedelta(0), queues=[queue])
    return next(iter(findings_of(situation)), None)


def about_broker(problem: Problem) -> Finding:
    """Return a problem of the broker, with its own code and words, as a finding."""
    return Finding(
        part="broker",
        level=Level.BAD,
        code=problem.code,
        text=problem.message,
        meaning=_("Nothing is lost: workers find the tasks in the database."),
        advice=problem.remedy,
        is_alert=True,
    )


_RUNWORKER = "manage.py runworker --backend %(backend)s --queues %(queue)s"
_START_ONE = _("Start one:")
_RESUME_ONE = _("Resume one of them, or start another:")
_RUNBEAT = "manage.py runbeat --backend %(backend)s"
_START_SCHEDULER = _("Start a worker without --no-beat, or:")
# `why` also says this about a task whose worker is silent.
ITS_TASKS_COME_BACK = _(
    "A worker that runs gives its tasks back. If it has just started, it watches for six "
    "heartbeats first."
)
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
        text=_("Schedules are due, but no scheduler fires them."),
        meaning=_("When a scheduler starts, each follows its policy for missed runs."),
        advice=_START_SCHEDULER, command=_RUNBEAT, links=("schedules", "workers"),
    ),
    FindingRule(
        code="no-scheduler", part="scheduler", level=Level.WARN, is_alert=False,
        condition=without_scheduler,
        text=ngettext_lazy(
            "No scheduler is running for %(count)s schedule.",
            "No scheduler is running for %(count)s schedules.",
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
        code="skipped-runs", part="scheduler", level=Level.WARN, condition=skipping,
        text=_("Schedule %(schedule)r skipped %(count)s runs, since its last run is not over."),
        advice=_("See why that task is not over, or schedule it less often."),
        links=("schedules",),
    ),
    FindingRule(
        code="silent-worker", part="workers", level=Level.WARN,
        condition=silent(are_all=False),
        text=_("Worker %(host)s:%(pid)s is silent."),
        meaning=ITS_TASKS_COME_BACK,
        advice=_("Check whether its host is up."), links=("workers",),
    ),
    FindingRule(
        code="silent-worker", part="workers", level=Level.WARN,
        condition=silent(are_all=True),
        text=_("Worker %(host)s:%(pid)s is silent, and no other worker runs."),
        meaning=ITS_TASKS_COME_BACK,
        advice=_("Check whether its host is up, or start a worker:"),
        command="manage.py runworker --backend %(backend)s", links=("workers",),
    ),
    FindingRule(
        code="versions", part="workers", level=Level.WARN, condition=versions,
        text=_("Workers run djtasks %(versions)s, this process runs %(own)s."),
        meaning=_("A worker may get a task whose code it does not have yet."),
        advice=_("Restart the processes that the last deploy left out."), links=("workers",),
    ),
)  # fmt: skip
