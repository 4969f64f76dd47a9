"""The keys of the search, and the selection that each value stands for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from djtasks.definitions.options import LONGEST_QUEUE, is_queue
from djtasks.inspection.search.arguments import BY_PATH
from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.phases import (
    FINAL_PHASES,
    PHASES,
    READY_PHASES,
    in_phase,
    phase_of_word,
)
from djtasks.inspection.search.values import (
    NotUnderstood,
    count_of,
    duration_of,
    id_of,
    ids_beginning,
    in_json,
    moment_of,
    short,
)
from djtasks.protocol.states import State

Selection = dict[str, Any]

_MOST_WORKERS = 20


def _id(value: str, _context: SearchContext) -> Selection:
    if whole := id_of(value):
        return {"pk": str(whole)}
    beginning = ids_beginning(value)
    if beginning is None:
        raise NotUnderstood(
            _("“%(value)s” is not an id. Enter all of it, or at least its first six digits.")
            % {"value": short(value)}
        )
    return {"pk__gte": str(beginning[0]), "pk__lte": str(beginning[1])}


def bare(value: str, context: SearchContext) -> Selection:
    """Return the condition for a word without a key: part of a path, a unique key, or an id.

    It does not look at unique keys for a user who may not see them.
    """
    options: list[Selection] = [{"task_path__icontains": value}]
    if "key" not in context.visibility.hidden:
        options.append({"key": value})
    beginning = ids_beginning(value)
    if beginning:
        options.append({"pk__gte": str(beginning[0]), "pk__lte": str(beginning[1])})
    return {"any": options}


def _task(value: str, _context: SearchContext) -> Selection:
    if value.endswith("*"):
        return {"task_path__startswith": value.removesuffix("*")}
    return {
        "any": [
            {"task_path": value},
            {"task_path__endswith": f".{value}"},
            {"task_path__startswith": f"{value}."},
        ]
    }


def _queue(value: str, _context: SearchContext) -> Selection:
    if not is_queue(value):
        raise NotUnderstood(
            _("“%(value)s” is not the name of a queue. A name has 1 to %(n)s characters.")
            % {"value": short(value), "n": LONGEST_QUEUE}
        )
    return {"queue": value}


def _worker(value: str, context: SearchContext) -> Selection:
    whole = id_of(value)
    ids = [whole] if whole else context.workers(value)[:_MOST_WORKERS]
    if not ids:
        raise NotUnderstood(
            _(
                "No worker “%(value)s” is registered. Enter its host, host:pid, or the id of one "
                "that has ended."
            )
            % {"value": short(value)}
        )
    ended = [{"worker_ids__icontains": str(one)} for one in ids]
    return {"any": [{"worker": [str(one) for one in ids]}, *ended]}


def _schedule(value: str, context: SearchContext) -> Selection:
    ids = context.schedules(value)
    if not ids:
        raise NotUnderstood(_("There is no schedule “%(value)s”.") % {"value": short(value)})
    return {"schedule": ids}


def _error(value: str, _context: SearchContext) -> Selection:
    return {"any": [{"errors__icontains": text} for text in in_json(value)]}


def _tag(value: str, _context: SearchContext) -> Selection:
    return {"any": [{"tags__icontains": f'"{text}"'} for text in in_json(value)]}


def _key(value: str, _context: SearchContext) -> Selection:
    return {"any": [{"key": value}, {"key__endswith": f":{value}"}]}


def _target(value: str, _context: SearchContext) -> Selection:
    return {"target": value}


def _parent(value: str, _context: SearchContext) -> Selection:
    if whole := id_of(value):
        return {"parent": str(whole)}
    raise NotUnderstood(_("“%(value)s” is no whole id of a task.") % {"value": short(value)})


def _workflow(value: str, context: SearchContext) -> Selection:
    whole = id_of(value)
    if whole is None:
        raise NotUnderstood(
            _("“%(value)s” is no whole id of a workflow.") % {"value": short(value)}
        )
    nodes = context.nodes(whole)
    if not nodes:
        raise NotUnderstood(_("There is no workflow “%(value)s”.") % {"value": short(value)})
    return {"node": nodes}


def _fingerprint(value: str, _context: SearchContext) -> Selection:
    return {"fingerprint": value.lower(), "state": int(State.FAILED)}


def _waited(sign: str) -> Callable[[str, SearchContext], Selection]:
    def condition(value: str, context: SearchContext) -> Selection:
        length = duration_of(value)
        ready: Selection = {"state": int(State.READY), "run_after__lte": context.now}
        ready |= _began("run_after", sign, context.now - length)
        over: Selection = {f"waited__{sign}": length.total_seconds(), "not": {"state": 0}}
        return {"any": [over, ready]}

    return condition


def _ran(sign: str) -> Callable[[str, SearchContext], Selection]:
    def condition(value: str, context: SearchContext) -> Selection:
        length = duration_of(value)
        running = in_phase("running", context.now)
        running |= _began("last_attempted_at", sign, context.now - length)
        return {"any": [{f"ran__{sign}": length.total_seconds()}, running]}

    return condition


def _began(column: str, sign: str, moment: datetime) -> Selection:
    """Return the condition for what still goes on: longer than a duration means began before."""
    return {f"{column}__{'lt' if sign == 'gt' else 'gt'}": moment}


def _attempts(sign: str) -> Callable[[str, SearchContext], Selection]:
    return lambda value, _context: {f"attempt__{sign}": count_of(value)}


def _in_phase(value: str, context: SearchContext) -> Selection:
    return in_phase(phase_of_word(value), context.now)


def _moment(sign: str) -> Callable[[str, SearchContext], Selection]:
    return lambda value, context: at((), sign, moment_of(value, context.now, context.zone))


def _without_name(key: str) -> Callable[[str, SearchContext], Selection]:
    def select(_value: str, context: SearchContext) -> Selection:
        raise _unknown(key, context)

    return select


def _unknown(key: str, context: SearchContext) -> NotUnderstood:
    return NotUnderstood(
        _(
            "“%(key)s:” is not a search key. The keys are %(keys)s. To search for the text "
            "itself, put it in quotes."
        )
        % {"key": short(key), "keys": " ".join(suggestions(context.keys))}
    )


@dataclass(frozen=True, slots=True)
class SearchKey:
    """A key of the search: `name:value`.

    `select(value, context)` returns the selection for a value, as in `operations.selected`;
    `context.now` is the database's clock. It raises NotUnderstood, with a sentence, for a value
    that is not valid. `widens`: several values mean any of them, not all. `permission`: the one
    that the key requires, as for `user.has_perm`. `shown`: how it is suggested; None: not at all.
    """

    name: str
    _: KW_ONLY
    select: Callable[[str, SearchContext], Selection]
    widens: bool = True
    permission: str = ""
    shown: str | None = ""

    @property
    def suggestion(self) -> str | None:
        """Return the text that suggests this key, or None."""
        return f"{self.name}:" if self.shown == "" else self.shown


SEARCH_KEYS = (
    SearchKey("task", select=_task),
    SearchKey("queue", select=_queue),
    SearchKey("state", select=_in_phase),
    SearchKey("worker", select=_worker),
    SearchKey("error", select=_error, widens=False),
    SearchKey("id", select=_id),
    SearchKey("args", select=_without_name("args"), widens=False, shown="args."),
    SearchKey("kwargs", select=_without_name("kwargs"), widens=False, shown=None),
    SearchKey("metadata", select=_without_name("metadata"), widens=False, shown="metadata."),
    SearchKey("tag", select=_tag, widens=False),
    SearchKey("after", select=_moment("gt"), widens=False),
    SearchKey("before", select=_moment("lt"), widens=False),
    SearchKey("wait>", select=_waited("gt"), widens=False),
    SearchKey("wait<", select=_waited("lt"), widens=False, shown=None),
    SearchKey("run>", select=_ran("gt"), widens=False),
    SearchKey("run<", select=_ran("lt"), widens=False, shown=None),
    SearchKey("attempts>", select=_attempts("gt"), widens=False),
    SearchKey("attempts<", select=_attempts("lt"), widens=False, shown=None),
    SearchKey("key", select=_key),
    SearchKey("target", select=_target),
    SearchKey("parent", select=_parent),
    SearchKey("workflow", select=_workflow),
    SearchKey("schedule", select=_schedule),
    SearchKey("fingerprint", select=_fingerprint, shown=None),
)
KEYS: Mapping[str, SearchKey] = {key.name: key for key in SEARCH_KEYS}


def suggestions(keys: Mapping[str, SearchKey]) -> list[str]:
    """Return the keys as they are suggested."""
    return [key.suggestion for key in keys.values() if key.suggestion]


def condition(key: str, value: str, context: SearchContext) -> Selection:
    """Return what one `key:value` selects. Raises NotUnderstood."""
    if not value:
        raise NotUnderstood(_("“%(key)s:” needs a value after the colon.") % {"key": short(key)})
    prefix, dot, path = key.partition(".")
    if dot and prefix in BY_PATH and prefix in context.keys:
        return BY_PATH[prefix](path, value, context)
    if key not in context.keys:
        raise _unknown(key, context)
    return context.keys[key].select(value, context)


def at(phases: Iterable[str], sign: str, moment: datetime) -> Selection:
    """Return the condition on when a task ended, or else started, or else is due."""
    options = []
    asked = set(phases) or set(PHASES)
    finals = [phase for phase in FINAL_PHASES if phase in asked]
    if finals:
        states = [int(State[phase.upper()]) for phase in finals]
        options.append(
            {"state": states, "finished_at__isnull": False, f"finished_at__{sign}": moment}
        )
    if "running" in asked:
        options.append({"state": int(State.RUNNING), f"last_attempted_at__{sign}": moment})
    if asked & set(READY_PHASES):
        options.append({"state": int(State.READY), f"run_after__{sign}": moment})
    if "waiting" in asked:
        options.append({"state": int(State.WAITING), f"run_after__{sign}": moment})
    return options[0] if len(options) == 1 else {"any": options}
