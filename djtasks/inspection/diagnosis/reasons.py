"""Why is a task not running? A pure function over the facts that `why` reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from djtasks.formats.durations import in_words
from djtasks.inspection.diagnosis.doors import DoorFacts
from djtasks.inspection.diagnosis.facts import QueueFacts
from djtasks.inspection.diagnosis.findings import ITS_TASKS_COME_BACK, about_broker, about_queue
from djtasks.inspection.diagnosis.why_facts import WhyFacts
from djtasks.protocol.states import FINAL, State

_STATES = {
    State.SUCCESSFUL: gettext_lazy("successful"),
    State.FAILED: gettext_lazy("failed"),
    State.CANCELLED: gettext_lazy("cancelled"),
    State.EXPIRED: gettext_lazy("expired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence about a task. `holds`: it is why the task is not running.

    `kind`: final, running, cancelling, lost, delayed, retrying, waiting, paused, no_worker,
    unknown_task, mismatch, missing_key, expired, behind or starting. Wrong, but not the reason:
    broker, and unserved for a paused queue. All right: open, served, known or policy. `until`: when
    it ends, if known.
    """

    kind: str
    text: str
    holds: bool
    until: datetime | None = None


def why_not_running(facts: WhyFacts) -> list[Reason]:
    """Return why a record is not running: first the reasons that hold it, then the others."""
    match facts.state:
        case state if state in FINAL:
            reasons = [_final(facts)]
        case State.RUNNING:
            reasons = list(_running(facts))
        case State.WAITING:
            reasons = [Reason(kind="waiting", text=_at_door(facts.door), holds=True)]
        case _:
            reasons = list(_ready(facts))
    return sorted(reasons, key=lambda reason: not reason.holds)


def _at_door(door: DoorFacts | None) -> str:
    """Return what a WAITING record waits for."""
    if door is None:
        return _("It waits for other tasks to end.")
    if door.node is None:
        return _("It waits in a workflow that was deleted. It is cancelled within a minute.")
    said: dict[str, Any] = {"workflow": door.workflow, "node": door.node}
    if door.is_being_cancelled:
        return _("Its workflow “%(workflow)s” is being cancelled.") % said
    if door.is_paused:
        return _("Its workflow “%(workflow)s” is paused.") % said
    if door.has_older_workers:
        return _(
            "Some workers run an older version of djtasks, which does not know workflows. It waits "
            "until they have stopped."
        )
    text = _("Its node “%(node)s” of the workflow “%(workflow)s” is about to begin.")
    if door.count:
        text = _("Its node “%(node)s” of the workflow “%(workflow)s” comes after %(before)s.")
        said["before"] = ", ".join(f"“{name}”" for name in door.before)
    if door.count > len(door.before):
        said["before"] += _(" and %(count)s more") % {"count": door.count - len(door.before)}
    return text % said


def _final(facts: WhyFacts) -> Reason:
    said: dict[str, Any] = {"state": _STATES[facts.state]}
    text = _("It is final: %(state)s.") % said
    if facts.finished_at:
        said["span"] = _since(facts.now, facts.finished_at)
        text = _("It is final: %(state)s, %(span)s ago.") % said
    if facts.state is not State.SUCCESSFUL:
        text += " " + _("It runs again only when somebody retries it.")
    return Reason(kind="final", text=text, holds=True)


def _running(facts: WhyFacts) -> Iterator[Reason]:
    where = facts.worker
    if where is None:
        yield Reason(kind="lost", text=_lost(facts), holds=True)
        return
    said: dict[str, Any] = {
        "worker": f"{where.host}:{where.pid}",
        "attempt": facts.attempt + 1,
        "most": facts.max_attempts,
    }
    text = _("It is running now on %(worker)s, as attempt %(attempt)s of %(most)s.") % said
    if facts.started_at:
        said["span"] = in_words(facts.now - facts.started_at)
        text = _(
            "It has been running on %(worker)s for %(span)s, as attempt %(attempt)s of %(most)s."
        )
        text %= said
    yield Reason(kind="running", text=text, holds=True)
    if facts.worker in facts.silent:
        text = _("That worker has been silent for %(span)s: it may have died.")
        text %= {"span": in_words(where.silent)}
        yield Reason(kind="lost", text=f"{text} {ITS_TASKS_COME_BACK}", holds=True)
    if facts.cancel_requested:
        text = _("Somebody cancelled it. Its worker learns of this within a heartbeat.")
        yield Reason(kind="cancelling", text=text, holds=True)


def _lost(facts: WhyFacts) -> str:
    said: dict[str, Any] = {"attempt": facts.attempt + 1, "worker": facts.owner}
    text = _("It is running, as attempt %(attempt)s, on a worker that is gone (%(worker)s).")
    if facts.started_at:
        said["span"] = in_words(facts.now - facts.started_at)
        text = _(
            "It has been running for %(span)s, as attempt %(attempt)s, on a worker that is gone "
            "(%(worker)s)."
        )
    end = _("It is given back within 45 seconds if any worker is alive.")
    return f"{text % said} {end}"


def _ready(facts: WhyFacts) -> Iterator[Reason]:
    is_due = facts.run_after <= facts.now
    if not is_due:
        yield _later(facts)
    if facts.refused:
        yield _refused(facts)
    if facts.expires_at is not None and facts.expires_at <= facts.now:
        text = _("It expired %(span)s ago. A worker ends it without running it.")
        text %= {"span": _since(facts.now, facts.expires_at)}
        yield Reason(kind="expired", text=text, holds=True)
    yield _queue(facts)
    yield _served(facts)
    for problem in facts.problems:
        finding = about_broker(problem)
        text = f"{finding.statement} {finding.remedy}"
        yield Reason(kind="broker", text=text, holds=False)
    if is_due:
        yield _turn(facts)
    if facts.is_known is not None and not facts.refused:
        yield _code(facts)
    if facts.policy:
        text = _("Its options follow the policy %(pattern)s.") % {"pattern": facts.policy}
        yield Reason(kind="policy", text=text, holds=False)


def _refused(facts: WhyFacts) -> Reason:
    if facts.lacks_key:
        text = _(
            "A worker took it, but cannot decrypt it: %(why)s Workers try again every 30 seconds. "
            "Give all workers the key in OPTIONS['encryption_keys'], and restart them."
        ) % {"why": facts.lacks_key}
        return Reason(kind="missing_key", text=text, holds=True)
    said = {"task": facts.task_path, "why": facts.mismatch}
    if facts.mismatch:
        text = _(
            "A worker took it, but the call does not fit its code: %(why)s Workers try again every "
            "30 seconds for an hour, then it fails. Deploy the code that enqueued it to the "
            "workers, or discard the task and enqueue it again."
        )
        return Reason(kind="mismatch", text=text % said, holds=True)
    text = _(
        "A worker took it, but does not know %(task)s. Workers try again every 30 seconds for "
        "an hour, then it fails. Deploy its code, or list its module in OPTIONS['imports']."
    )
    return Reason(kind="unknown_task", text=text % said, holds=True)


def _later(facts: WhyFacts) -> Reason:
    span = in_words(facts.run_after - facts.now)
    if not facts.attempt:
        text = _("It is not due yet: it may run in %(span)s.") % {"span": span}
        return Reason(kind="delayed", text=text, holds=True, until=facts.run_after)
    said = {
        "failed": facts.attempt,
        "error": facts.last_error,
        "next": facts.attempt + 1,
        "most": facts.max_attempts,
        "span": span,
    }
    if facts.last_error:
        text = _(
            "It is retrying: attempt %(failed)s failed with %(error)s, attempt %(next)s of "
            "%(most)s is due in %(span)s."
        )
    else:
        text = _(
            "It is retrying: attempt %(failed)s failed, attempt %(next)s of %(most)s is due in "
            "%(span)s."
        )
    text %= said
    return Reason(kind="retrying", text=text, holds=True, until=facts.run_after)


def _queue(facts: WhyFacts) -> Reason:
    pause = facts.pause
    if pause is None:
        text = _("Its queue %(queue)s is not paused.") % {"queue": facts.queue}
        return Reason(kind="open", text=text, holds=False)
    text = _("Its queue %(queue)s was paused by %(name)s %(span)s ago") % {
        "queue": facts.queue,
        "name": pause.by or _("somebody"),
        "span": in_words(facts.now - pause.since),
    }
    text += f": {pause.reason}." if pause.reason else "."
    if pause.until:
        end = _("It resumes automatically in %(span)s.") % {
            "span": in_words(pause.until - facts.now)
        }
        text = f"{text} {end}"
    return Reason(kind="paused", text=text, holds=True, until=pause.until)


def _served(facts: WhyFacts) -> Reason:
    queue = QueueFacts(
        name=facts.queue,
        due=0,  # not counted: this is about one task
        delayed=0,
        running=0,
        oldest_wait=None,
        indexed=None,
        paused=None,
        workers=len(facts.workers),
        draining=len(facts.draining),
    )
    finding = about_queue(queue, backend=facts.backend, now=facts.now)
    if finding is not None:
        text = f"{finding.statement} {finding.remedy}"
        # A pause is why it waits, whoever is there.
        kind = "no_worker" if facts.pause is None else "unserved"
        return Reason(kind=kind, text=text, holds=facts.pause is None)
    free, slots = facts.slots
    text = ngettext(
        "%(count)s live worker serves its queue %(queue)s, with %(free)s of %(slots)s slots free.",
        "%(count)s live workers serve its queue %(queue)s, with %(free)s of %(slots)s slots free.",
        len(facts.workers),
    ) % {
        "count": len(facts.workers),
        "queue": facts.queue,
        "free": free,
        "slots": slots,
    }
    return Reason(kind="served", text=text, holds=False)


def _turn(facts: WhyFacts) -> Reason:
    ahead = facts.ahead
    if ahead is None or not ahead.count:
        held = facts.pause is not None or not facts.workers
        text = _("Nothing ranks before it: a worker takes it within 10 seconds.")
        if held:
            text = _("Nothing ranks before it: it is next.")
        elif not facts.slots[0]:
            text = _("Nothing ranks before it: it starts as soon as a slot for it is free.")
        return Reason(kind="starting", text=text, holds=not held)
    said = {"count": f"{ahead.count:,}" + ("+" if ahead.is_capped else "")}
    if ahead.wait is None:
        text = ngettext(
            "It waits behind %(count)s other.", "It waits behind %(count)s others.", ahead.count
        )
    else:
        said["span"] = in_words(ahead.wait)
        text = ngettext(
            "It waits behind %(count)s other, about %(span)s at the current rate.",
            "It waits behind %(count)s others, about %(span)s at the current rate.",
            ahead.count,
        )
    text %= said
    return Reason(kind="behind", text=text, holds=True)


def _code(facts: WhyFacts) -> Reason:
    if facts.is_known:
        text = _("This process knows the code of %(task)s.") % {"task": facts.task_path}
        return Reason(kind="known", text=text, holds=False)
    text = _(
        "No task is registered as %(task)s in this process. A worker with the same code gives it "
        "back. Was it moved or renamed?"
    ) % {"task": facts.task_path}
    return Reason(kind="unknown_task", text=text, holds=True)


def _since(now: datetime, then: datetime) -> str:
    return in_words(max(now - then, timedelta(0)))
