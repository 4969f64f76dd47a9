"""The columns of the list of tasks, built-in ones and a project's, and their cells."""

import json
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass
from functools import partial
from html import unescape
from types import SimpleNamespace
from typing import Any

from django.contrib.admin.utils import display_for_value
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from djtasks.admin.savepoints import savepoints
from djtasks.inspection.fields import ASKED_FOR
from djtasks.inspection.listing import TaskRow
from djtasks.inspection.visibility import Visibility
from djtasks.templatetags.djtasks_pages import NOTHING

logger = logging.getLogger("djtasks.admin")
FAILED = "\N{EM DASH}"
_LONGEST = 300
_SHORT = 30
_LONGEST_EXPORTED = 10_000


class ListedTask(SimpleNamespace):
    """A task as a column sees it: columns of its record, and values computed from them.

    `phase` is its state in a word, `at` when it ended, else started, else is due; `waited` and
    `ran` are timedeltas or None; `worker_name`, `exception` and `message` are texts; `arguments`
    are pieces of the call; `url` is its page, `now` the database's clock.
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"A column has no {name!r} of a task. If it is a column of TaskRecord, name it in "
            f"`needs`."
        )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list of tasks.

    `value(task)` returns what a cell shows: text, which is escaped unless it is marked safe, or a
    number, moment or None. With `prepare(tasks)`, which is called once for the tasks of a page,
    it is called with what that returned as its second argument. `needs` names columns of
    TaskRecord beyond the small ones; where one of them holds arguments or a result, only those
    who may see arguments see the column, and what is sensitive is taken out. `permission` is
    what it takes to see it, as for `user.has_perm`. `exported`: also in exports. `css`: classes
    of its cells. `queries` False: it never asks the database.
    """

    name: str
    _: KW_ONLY
    label: str | Promise
    value: Callable[..., Any]
    needs: Collection[str] = ()
    prepare: Callable[[Sequence[ListedTask]], Any] | None = None
    permission: str = ""
    exported: bool = False
    css: str = "djt-break"
    hint: str | Promise = ""
    is_heading: bool = False
    queries: bool = True

    def allows(self, request: HttpRequest, visibility: Visibility) -> bool:
        """Return whether a user may see the column."""
        if self.permission and not request.user.has_perm(self.permission):
            return False
        return visibility.hidden.isdisjoint(self.needs)


@dataclass(frozen=True, slots=True)
class Cell:
    """The cell of one column and one task."""

    column: Column
    text: str | SafeString


def needed_by(columns: Sequence[Column]) -> frozenset[str]:
    """Return the columns of TaskRecord that these columns need."""
    return frozenset(name for column in columns for name in column.needs)


def cells_of(columns: Sequence[Column], tasks: Sequence[dict[str, Any]]) -> list[list[Cell]]:
    """Return the cells of each task, in the order of the columns."""
    shown = [
        [Cell(column, text) for text in values_of(column, tasks, cell_text, failed=_failed())]
        for column in columns
    ]
    return [list(row) for row in zip(*shown, strict=True)] if shown else [[] for _task in tasks]


def values_of(
    column: Column,
    tasks: Sequence[dict[str, Any]],
    show: Callable[[Any], Any],
    *,
    failed: Any,
    reported: set[str] | None = None,
) -> list[Any]:
    """Return a column's value for each task, or `failed` where it raised.

    The first failure is logged, unless the name of the column is in `reported`.
    """
    seen = [_seen(column, task) for task in tasks]
    report = partial(_report, column, set() if reported is None else reported)
    guarded = savepoints if column.queries else _unguarded
    given: list[Any] = []
    if column.prepare:
        with guarded() as undo:
            try:
                given = [column.prepare(seen)]
            except Exception as error:  # noqa: BLE001 - a project's code
                report(error, undo)
                return [failed for _task in seen]
    found: list[Any] = []
    while len(found) < len(seen):
        # A statement that fails ends its savepoint, so the cells behind it get a new one.
        with guarded() as undo:
            try:
                for task in seen[len(found) :]:
                    found.append(show(column.value(task, *given)))  # noqa: PERF401 - it may raise
            except Exception as error:  # noqa: BLE001 - a project's code, for this task alone
                report(error, undo)
                found.append(failed)
    return found


def _nothing() -> None:
    """Do nothing: nothing queries the database."""


def _unguarded() -> AbstractContextManager[Callable[[], None]]:
    """Set no savepoint: the column does not query the database."""
    return nullcontext(_nothing)


def _report(column: Column, reported: set[str], error: Exception, undo: Callable[[], None]) -> None:
    undo()
    if column.name not in reported:
        reported.add(column.name)
        logger.warning("Column failed column=%s", column.name, exc_info=error)


def task_fields(row: TaskRow, **more: Any) -> dict[str, Any]:
    """Return the values of a row that columns may see, by name."""
    return {
        **row.fields,
        "id": row.id,
        "pk": row.id,
        "phase": row.phase,
        "at": row.at,
        "waited": row.waited,
        "ran": row.ran,
        "attempt": row.attempt,
        "worker_name": row.worker,
        "exception": row.exception,
        "message": row.message,
        "arguments": row.arguments,
        **more,
    }


def _seen(column: Column, task: dict[str, Any]) -> ListedTask:
    """Return the task with only the values that this column needs."""
    return ListedTask(
        **{name: value for name, value in task.items() if name not in ASKED_FOR - set(column.needs)}
    )


def _failed() -> SafeString:
    return format_html(
        '<span class="djt-quiet" title="{}">{}</span>',
        _("This column failed. See the log."),
        FAILED,
    )


def cell_text(value: Any) -> str | SafeString:
    """Return the content of a cell; text is escaped unless it is marked safe."""
    if isinstance(value, SafeString) and _encodable(value) == value:
        return value
    if value is None or value == "":
        return NOTHING
    text = _encodable(str(display_for_value(value, NOTHING)))[:_LONGEST]
    return text if len(text) < _SHORT else format_html('<span class="djt-clamped">{}</span>', text)


def exported_value(value: Any) -> Any:
    """Return a value for an export: unchanged if JSON can hold it, else text without markup.

    What takes more than 10,000 characters is cut, and text from then on.
    """
    if isinstance(value, SafeString):
        value = unescape(strip_tags(value))
    try:
        text = _encodable(
            json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
        )
        if len(text) <= _LONGEST_EXPORTED:
            return json.loads(text)
        return (_encodable(value) if isinstance(value, str) else text)[:_LONGEST_EXPORTED]
    except (TypeError, ValueError):
        return _encodable(str(value))[:_LONGEST_EXPORTED]


def _encodable(text: str) -> str:
    """Return text that a page can send, with lone surrogates replaced."""
    return text.encode("utf-8", "replace").decode()
