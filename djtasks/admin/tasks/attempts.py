"""Parts of the page of a task: its badge, its attempts and their traceback frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from djtasks.admin.queues.rows import Standing
from djtasks.engine import Engine
from djtasks.formats.tracebacks import Frame, library_of
from djtasks.inspection import Attempt, Reason, TaskFacts
from djtasks.inspection.listing import worker_names
from djtasks.templatetags.djtasks_pages import PHASES

_Css = tuple[str, str, str | Promise]
_OUTCOMES: Mapping[str, _Css] = {
    "timed_out": ("failed", "failed", _("Timed out")),
    "lost": ("failed", "plug", _("Worker lost")),
}
_CHECKS = {
    "delayed": ("no", "scheduled"),
    "retrying": ("no", "retrying"),
    "waiting": ("no", "scheduled"),
    "paused": ("no", "paused"),
    "behind": ("info", "ready"),
    "starting": ("yes", "running"),
    "running": ("yes", "running"),
    "broker": ("info", "plug"),
    "unserved": ("info", "plug"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A reason as a line with a symbol."""

    css: str
    symbol: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Frames that belong together. Those of a library are folded under its `name`."""

    name: str
    frames: list[Frame]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt. `worker` is host and pid while it is registered, else the end of its id."""

    facts: Attempt
    standing: Standing
    worker: str
    folds: list[Fold]

    @property
    def kind(self) -> str:
        """Return the exception's class without its module."""
        return self.facts.exception.rpartition(".")[2]


def standing_of(phase: str) -> Standing:
    """Return the badge of a phase or of an attempt's outcome."""
    css, symbol, word = PHASES.get(phase) or _OUTCOMES.get(phase) or PHASES["failed"]
    return Standing(css=css, symbol=symbol, word=str(word))


def checks_of(reasons: Sequence[Reason]) -> list[Check]:
    """Return reasons as lines: those that block the task, and those that do not."""
    return [
        Check(css=css, symbol=symbol, text=reason.text)
        for reason in reasons
        for css, symbol in [_check(reason)]
    ]


def _check(reason: Reason) -> tuple[str, str]:
    return _CHECKS.get(reason.kind) or (("bad", "failed") if reason.holds else ("yes", "ok"))


def attempt_rows(engine: Engine, facts: TaskFacts) -> list[AttemptRow]:
    """Return the attempts, the newest first."""
    names = worker_names(engine, {one.worker for one in facts.attempts})
    return [
        AttemptRow(
            facts=attempt,
            standing=standing_of(attempt.outcome),
            worker=names.get(attempt.worker, attempt.worker[-12:]),
            folds=folds_of(attempt.frames),
        )
        for attempt in reversed(facts.attempts)
    ]


def folds_of(frames: Sequence[Frame]) -> list[Fold]:
    """Return the frames of each library as one fold; the project's own frames stand alone.

    If no frame is the project's own, nothing is folded.
    """
    if not any(frame.is_own for frame in frames):
        return [Fold(name="", frames=list(frames))] if frames else []
    return [
        Fold(name=name, frames=list(group))
        for name, group in groupby(frames, key=lambda f: "" if f.is_own else library_of(f.file))
    ]
