"""`@periodic`: schedules that are declared in code. A scheduler writes them to the database."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from djtasks.compat import is_task
from djtasks.definitions import registry
from djtasks.definitions.codecs import codec_while_importing, encode_call
from djtasks.definitions.signatures import check_call
from djtasks.definitions.task import Task
from djtasks.errors import InvalidSchedule
from djtasks.formats.durations import LONGEST
from djtasks.formats.json_values import decode
from djtasks.options import MOST_BYTES
from djtasks.schedules import Coalesce, Crontab, Every, MissedPolicy, Once, Overlap, Rule
from djtasks.schedules.rules.base import in_utc

TaskT = TypeVar("TaskT", bound=Task[..., Any])

LONGEST_NAME = 255

_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (
        lambda v: isinstance(v, str) and len(v) <= LONGEST_NAME and (v == "" or v.isprintable()),
        f"a printable text of at most {LONGEST_NAME} characters",
    ),
    "rule": (lambda v: isinstance(v, Crontab | Every | Once), "a Crontab, an Every or a Once"),
    "missed": (
        lambda v: isinstance(v, MissedPolicy),
        "Coalesce(), CatchUp(limit) or SkipIfOlderThan(age)",
    ),
    "overlap": (lambda v: v in list(Overlap), f"one of {', '.join(Overlap)}"),
    "jitter": (
        lambda v: isinstance(v, timedelta) and timedelta(0) <= v <= LONGEST,
        f"a timedelta from 0 to {LONGEST.days:,} days",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One schedule as the code declares it; `args` and `kwargs` are JSON values already.

    `name` is empty if the code gives none; `declared` fills it in.
    """

    backend: str
    task_path: str
    rule: Rule
    name: str = ""
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    missed: MissedPolicy = field(default_factory=Coalesce)
    overlap: Overlap | Literal["allow", "skip", "queue_one"] = Overlap.ALLOW
    jitter: timedelta = timedelta(0)
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        for option, (fits, expected) in _SHAPES.items():
            if not fits(getattr(self, option)):
                raise InvalidSchedule(
                    f"{self._place(option)} must be {expected}, got {getattr(self, option)!r}."
                )
        for bound in ("starts_at", "ends_at"):
            if (moment := getattr(self, bound)) is not None:
                object.__setattr__(self, bound, in_utc(moment, self._place(bound)))
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise InvalidSchedule(
                f"{self._place('ends_at')} is {self.ends_at}, before its starts_at, "
                f"{self.starts_at}, so it would never run."
            )

    def _place(self, option: str) -> str:
        return f"The {option} of @periodic on {self.task_path!r}"

    def as_dict(self) -> dict[str, Any]:
        """Return the values that a row of `Schedule` may override, by column, as JSON values."""
        return {
            "task_path": self.task_path,
            "rule": self.rule.as_dict(),
            "args": list(self.args),
            "kwargs": dict(self.kwargs),
            "missed": self.missed.as_dict(),
            "overlap": str(self.overlap),
            "jitter": self.jitter.total_seconds(),
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
        }


# In the order of declaration.
_declarations: list[Declaration] = []


class ScheduleOptions(TypedDict, total=False):
    """The options of @periodic besides the rule and the arguments of the task."""

    name: str
    missed: MissedPolicy
    overlap: Overlap | Literal["allow", "skip", "queue_one"]
    jitter: timedelta
    starts_at: datetime | None
    ends_at: datetime | None


def periodic(
    rule: Rule,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    **options: Unpack[ScheduleOptions],
) -> Callable[[TaskT], TaskT]:
    """Run a task on a schedule. Put it above @task, as many times as you want.

    `name`: identifies the schedule. The default is the path of the task, followed by the rule if
        several schedules of the task have no name.
    `missed`: what to do about runs that were due while no scheduler ran. The default, Coalesce(),
        runs the task once for all of them.
    `overlap`: what to do when the last run is not final: "allow", "skip" or "queue_one".
    `jitter`: delays each run by up to this duration.
    `starts_at`, `ends_at`: aware datetimes; due times lie between them, both included.

    Raises InvalidSchedule or InvalidArguments at once, naming the task.
    """

    def declare(task: TaskT) -> TaskT:
        _require_task(task)
        path, call = task.module_path, (list(args), dict(kwargs or {}))
        check_call(path, task.func, *call, takes_context=task.takes_context)
        texts = encode_call(task, *call, limit=MOST_BYTES, find=codec_while_importing)
        arguments = [decode(text) for text in texts]
        _remember(
            Declaration(
                backend=task.backend,
                task_path=path,
                rule=rule,
                args=tuple(arguments[0]),
                kwargs=arguments[1],
                **options,
            )
        )
        return task

    return declare


def _require_task(task: Any) -> None:
    if not is_task(task):
        raise InvalidSchedule(
            f"@periodic must stand above @task, but got {task!r}, which is not a task. Write "
            f"@periodic(...) first, then @task on the line below, then the function."
        )
    defined = registry.find(task.module_path)
    if defined is not None and registry.as_defined(defined) is not task:
        raise InvalidSchedule(
            f"@periodic got a copy of {task.module_path!r} made by using(). A schedule would not "
            f"keep its options. Declare the task itself."
        )


def _remember(declaration: Declaration) -> None:
    # A module that is loaded again declares what it declared before.
    if declaration not in _declarations:
        _declarations.append(declaration)


def declared(backend: str) -> list[Declaration]:
    """Return the declared schedules of a TASKS alias by name; the first one of each name."""
    named: dict[str, Declaration] = {}
    for declaration in _named(backend):
        named.setdefault(declaration.name, declaration)
    return [named[name] for name in sorted(named)]


def namesakes(backend: str) -> Iterable[tuple[Declaration, Declaration]]:
    """Return the pairs of schedules of a TASKS alias that have the same name."""
    pairs = combinations(_named(backend), 2)
    return [(first, second) for first, second in pairs if first.name == second.name]


def _named(backend: str) -> list[Declaration]:
    """Return the declarations of an alias; name those without a name by task and rule."""
    ours = [one for one in _declarations if one.backend == backend]
    nameless = Counter(one.task_path for one in ours if not one.name)
    return [
        one if one.name else replace(one, name=_name_of(one, is_only=nameless[one.task_path] == 1))
        for one in ours
    ]


def _name_of(declaration: Declaration, *, is_only: bool) -> str:
    path = declaration.task_path
    return path if is_only else f"{path} {declaration.rule}"[:LONGEST_NAME]
