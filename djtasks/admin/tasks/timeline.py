"""A drawing of a task's life: stretches to scale, in percent, with labels that don't collide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks.admin.charts.svg import Tick, percent_at
from djtasks.formats.moments import in_zone, later
from djtasks.inspection import Stretch, TaskFacts
from djtasks.protocol.states import FINAL
from djtasks.templatetags.djtasks_pages import NOTHING, duration

_TICKS = 4
_CHARACTER = 0.0075  # of the width, at the width of a desk's screen
_ROWS = (26, 10)
_ROOM_FOR_WORDS = 0.14
_CSS_CLASSES = {
    "running": "seg-run",
    "successful": "seg-ok",
    "cancelled": "seg-off",
    "expired": "seg-off",
    "lost": "seg-lost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineBar:
    """One stretch: where it lies, how it looks, and what it says on hover."""

    css: str
    x: str
    width: str
    end: str
    words: str

    @property
    def is_line(self) -> bool:
        """Return whether the task neither waits nor runs because it is not due."""
        return self.css == "seg-backoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words at a moment; `more` of them where there is room. `stem`: down to its bar."""

    x: str
    y: int
    text: str
    more: str
    css: str
    anchor: str

    @property
    def stem(self) -> bool:
        """Return whether the label is so high that a line leads down to its bar."""
        return self.y == min(_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLine:
    """A stretch as a row of the table of numbers."""

    start: datetime
    end: datetime
    length: timedelta
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of the legend."""

    css: str
    words: str

    @property
    def is_line(self) -> bool:
        """Return whether it is drawn as a line."""
        return self.css == "seg-backoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole drawing; `said` is its text alternative."""

    bars: list[TimelineBar]
    labels: list[Label]
    lengths: list[Tick]
    ticks: list[Tick]
    keys: list[Key]
    now: str
    said: str
    rows: list[TimelineLine]


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    length: timedelta

    def share(self, moment: datetime) -> float:
        return (moment - self.begin) / self.length


def drawing_of(facts: TaskFacts) -> Drawing | None:
    """Return the drawing of a task's life, or None while there is nothing to draw."""
    stretches = facts.timeline
    if not stretches:
        return None
    begin, end = stretches[0].start, max(one.end for one in stretches)
    is_next = end > facts.now and facts.state not in FINAL
    length = (end - begin) or timedelta(microseconds=1)
    # What is due next needs some room behind its moment.
    scale = _Scale(begin, length * 1.04 if is_next else length)
    bars = [_bar(one, scale) for one in stretches]
    if is_next:
        bars.append(_next(facts, scale, end))
    return Drawing(
        bars=bars,
        labels=_labels(facts, scale, end if is_next else None),
        lengths=[tick for one in stretches if (tick := _length(one, scale))],
        ticks=_ticks(scale),
        keys=_keys(bars),
        now="" if facts.state in FINAL else percent_at(scale.share(facts.now)),
        said="; ".join(words_of(one) for one in stretches),
        rows=[
            TimelineLine(start=one.start, end=one.end, length=one.length, words=words_of(one))
            for one in stretches
        ],
    )


def words_of(one: Stretch) -> str:
    """Return a stretch in words, such as `attempt 2 failed after 24 s`."""
    said = {"length": duration(one.length), "number": one.number or "?"}
    if one.kind == "attempt":
        return str(_OUTCOMES.get(one.outcome, _OUTCOMES["failed"]) % said)
    if one.kind == "delayed":
        return _("not due for %(length)s") % said
    if one.kind == "backoff":
        return _("%(length)s between attempts") % said
    return _("%(length)s waiting for a worker") % said


_OUTCOMES: dict[str, Any] = {
    "running": gettext_lazy("attempt %(number)s has run for %(length)s"),
    "successful": gettext_lazy("attempt %(number)s succeeded after %(length)s"),
    "failed": gettext_lazy("attempt %(number)s failed after %(length)s"),
    "timed_out": gettext_lazy("attempt %(number)s timed out after %(length)s"),
    "cancelled": gettext_lazy("attempt %(number)s was cancelled after %(length)s"),
    "expired": gettext_lazy("it expired after %(length)s"),
    "lost": gettext_lazy("its worker was lost after %(length)s"),
}


def css_of(one: Stretch) -> str:
    """Return how a stretch is drawn."""
    if one.kind == "attempt":
        return _CSS_CLASSES.get(one.outcome, "seg-fail")
    return "seg-wait" if one.kind == "waiting" else "seg-backoff"


def _bar(one: Stretch, scale: _Scale) -> TimelineBar:
    start, end = scale.share(one.start), scale.share(one.end)
    return TimelineBar(
        css=css_of(one),
        x=percent_at(start),
        width=percent_at(end - start),
        end=percent_at(end),
        words=words_of(one),
    )


def _next(facts: TaskFacts, scale: _Scale, due: datetime) -> TimelineBar:
    x = percent_at(scale.share(due))
    words = _("attempt %(number)s is due") % {"number": facts.attempt + 1}
    return TimelineBar(css="seg-next", x=x, width="1.60%", end=x, words=words)


def _labels(facts: TaskFacts, scale: _Scale, due: datetime | None) -> list[Label]:
    wanted = [
        (scale.share(one.start), str(one.number or NOTHING), _short(one), _text_css(one))
        for one in facts.timeline
        if one.kind == "attempt"
    ]
    if facts.state not in FINAL:
        wanted.append((scale.share(facts.now), _("now"), "", "strong"))
    if due is not None:
        clock = in_zone(due, timezone.get_current_timezone())
        at = _("due %(time)s") % {"time": f"{clock:%H:%M:%S}"}
        wanted.append((scale.share(due), str(facts.attempt + 1), f" {at}", "retry"))
    # From the right: a label that has to stand higher leads down left of the one it makes room for.
    free = dict.fromkeys(_ROWS, 1.0)
    placed = (_placed(one, free) for one in sorted(wanted, reverse=True))
    return [label for label in placed if label is not None]


def _placed(wanted: tuple[float, str, str, str], free: dict[int, float]) -> Label | None:
    """Return a label in the first row that has room, without `more` if needed, or None."""
    x, text, more, css = wanted
    for words in dict.fromkeys((more, "")):
        width = _CHARACTER * (len(text + words) + 1)
        is_right = x + width > 1
        left = max(x - width, 0.0) if is_right else x
        for row in _ROWS:
            if left + width <= free[row]:
                free[row] = left
                anchor = "end" if is_right else "start"
                return Label(x=percent_at(x), y=row, text=text, more=words, css=css, anchor=anchor)
    return None


def _short(one: Stretch) -> str:
    words = {
        "running": _("running"),
        "successful": _("succeeded"),
        "timed_out": _("timed out"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
        "lost": _("worker lost"),
    }.get(one.outcome, _("failed"))
    return f" {words}, {duration(one.length)}"


def _text_css(one: Stretch) -> str:
    return {"successful": "ok", "running": "run", "cancelled": "", "expired": ""}.get(
        one.outcome, "bad"
    )


def _length(one: Stretch, scale: _Scale) -> Tick | None:
    """Return the label below a long wait: its length."""
    start, end = scale.share(one.start), scale.share(one.end)
    if one.kind == "attempt" or end - start < _ROOM_FOR_WORDS:
        return None
    words = {
        "delayed": _("not due, %(length)s"),
        "backoff": _("backoff %(length)s"),
        "waiting": _("waiting %(length)s"),
    }[one.kind] % {"length": duration(one.length)}
    return Tick(at="", text_at=percent_at((start + end) / 2), label=words, anchor="middle")


def _ticks(scale: _Scale) -> list[Tick]:
    anchors = ["start", *["middle"] * (_TICKS - 1), "end"]
    return [
        Tick(
            at=(at := percent_at(part / _TICKS)),
            text_at=at,
            label=_moment(scale, scale.length * part / _TICKS),
            anchor=anchor,
        )
        for part, anchor in enumerate(anchors)
    ]


def _moment(scale: _Scale, after: timedelta) -> str:
    """Return a place on the axis: since the beginning, as a time or as a date."""
    if scale.length < timedelta(seconds=20):
        return f"+{duration(after)}"
    local = in_zone(later(scale.begin, after), timezone.get_current_timezone())
    if scale.length < timedelta(minutes=20):
        return f"{local:%H:%M:%S}"
    if scale.length < timedelta(days=1):
        return f"{local:%H:%M}"
    day = date_format(local, "j M")
    return f"{day} {local:%H:%M}" if scale.length < timedelta(days=7) else day


def _keys(bars: Sequence[TimelineBar]) -> list[Key]:
    words = {
        "seg-wait": _("waiting for a worker"),
        "seg-run": _("running"),
        "seg-ok": _("succeeded"),
        "seg-fail": _("failed"),
        "seg-off": _("ended otherwise"),
        "seg-lost": _("worker lost"),
        "seg-backoff": _("not due"),
        "seg-next": _("next attempt"),
    }
    there = {bar.css for bar in bars}
    return [Key(css=css, words=said) for css, said in words.items() if css in there]
