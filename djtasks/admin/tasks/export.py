"""Export what a search finds as CSV or JSON: streamed, bounded, without sensitive values."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from djtasks.admin.search import asked_for, find
from djtasks.admin.task_pages import TaskPages
from djtasks.admin.tasks.columns import Column, exported_value, needed_by, values_of
from djtasks.definitions.redaction import redacted_value
from djtasks.engine import Engine
from djtasks.formats.foreign import texts_in
from djtasks.inspection.fields import shown_arguments
from djtasks.inspection.listing import WINDOW, Reading, TaskRow, last_error, rows_of
from djtasks.inspection.status import records_of
from djtasks.inspection.tasks import phase_of, ran_of, waited_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.searching import SearchResult

_ROWS_PER_SCAN = 500
_COLUMNS = (
    "id", "task", "state", "queue", "priority", "enqueued_at", "run_after", "last_attempted_at",
    "finished_at", "waited_seconds", "ran_seconds", "attempt", "max_attempts", "worker", "key",
    "target", "error", "message",
)  # fmt: skip
_SENSITIVE = ("args", "kwargs", "return_value", "metadata")
EXPORTED = frozenset({*_COLUMNS, *_SENSITIVE})
# A spreadsheet takes a text that begins so for a formula: also in full width, behind blanks that it
# removes, and behind a separator of another country.
_FORMULA = re.compile(r"[\s;,|\u200b-\u200f\ufeff]*[=+@\-\uff1d\uff0b\uff20\uff0d]|[\t\r\n]")
_FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows, and the same tasks as the project's columns see them, if it has any."""

    rows: list[dict[str, Any]]
    tasks: list[TaskRow]
    now: datetime


def export(admin: TaskPages, request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Send what a search finds, newest first; `?format=` is csv or json.

    Bounded like the search: where that looks at the newest 100,000 tasks only, so does this,
    and its last line says so.
    """
    form = request.GET.get("format", "csv")
    if form not in _FORMATS:
        raise Http404("An export is csv or json.")
    found = find(admin, request, engine, asked_for(request))
    if found.search.problems:
        return HttpResponse(
            found.search.problems[0].message, status=400, content_type="text/plain; charset=utf-8"
        )
    columns = [column for column in admin.columns_for(request) if column.exported]
    # Read before the first byte is sent, so that an error is no half of a file.
    ids = sorted(found.records.values_list("pk", flat=True), reverse=True)
    rows = _with_columns(admin, request, _rows(engine, found, ids, columns), columns)
    note = _note(found)
    names = (*_columns(found), *(column.name for column in columns))
    lines = _csv(rows, names, note) if form == "csv" else _json(rows, note)
    answer = StreamingHttpResponse(lines, content_type=_FORMATS[form])
    answer["Content-Disposition"] = f'attachment; filename="tasks.{form}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _columns(found: SearchResult) -> tuple[str, ...]:
    hidden = found.context.visibility.hidden
    return tuple(name for name in (*_COLUMNS, *_SENSITIVE) if name not in hidden)


def _with_columns(
    admin: TaskPages, request: HttpRequest, batches: Iterable[_Batch], columns: Sequence[Column]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of batches, each with the values of a project's columns."""
    reported: set[str] = set()
    for batch in batches:
        tasks = admin.listed_tasks(request, batch.tasks, batch.now)
        for column in columns:
            values = values_of(column, tasks, exported_value, failed=None, reported=reported)
            for row, value in zip(batch.rows, values, strict=True):
                row[column.name] = value
        yield from batch.rows


def _rows(
    engine: Engine, found: SearchResult, ids: Sequence[UUID], columns: Sequence[Column]
) -> Iterator[_Batch]:
    """Yield the rows with these ids, in their order; skip those deleted meanwhile.

    All ids at once (the scope bounds them), then some rows at a time: a slow reader holds no
    transaction open.
    """
    reading = Reading(visibility=found.context.visibility, fields=needed_by(columns))
    unread = {"progress"} - reading.fields
    if "metadata" in found.context.visibility.hidden:
        unread |= {"metadata"} - reading.fields
    records = records_of(engine).defer(*unread)
    for at in range(0, len(ids), _ROWS_PER_SCAN):
        some = list(records.filter(pk__in=ids[at : at + _ROWS_PER_SCAN]).order_by("-pk"))
        yield _Batch(
            rows=[_row(engine, record, found) for record in some],
            tasks=rows_of(engine, some, reading) if columns else [],
            now=found.context.now,
        )


def _row(engine: Engine, record: TaskRecord, found: SearchResult) -> dict[str, Any]:
    now = found.context.now
    failure = last_error(record)
    before = texts_in(record.worker_ids)
    state, is_due = State(record.state), record.run_after <= now
    row = {
        "id": record.pk,
        "task": record.task_path,
        "state": phase_of(state, attempt=record.attempt, is_due=is_due),
        "waited_seconds": _seconds(waited_of(record, now)),
        "ran_seconds": _seconds(ran_of(record, now)),
        "worker": record.worker or (before[-1] if before else None),
        "error": str(failure.get("class", "")),
        "message": found.context.visibility.message(str(failure.get("message", ""))),
    }
    row |= {name: getattr(record, name) for name in _COLUMNS if name not in row}
    if found.context.visibility.arguments:
        row |= _arguments(engine, record)
    return {name: row[name] for name in _columns(found)}


def _arguments(engine: Engine, record: TaskRecord) -> dict[str, Any]:
    args, kwargs = shown_arguments(engine, record.task_path, record.args, record.kwargs)
    values = {
        name: redacted_value(getattr(record, name), pattern=engine.options.redact or "")
        for name in ("return_value", "metadata")
    }
    return {"args": args, "kwargs": kwargs, **values}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length.total_seconds(), 3)


class _Line:
    """A file for the csv module that hands back each line."""

    def write(self, line: str) -> str:
        return line


def _csv(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], note: str) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_cell(row[column]) for column in columns])
    if note:
        yield writer.writerow([note])


def _cell(value: Any) -> Any:
    match value:
        case None | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case list() | dict():
            value = json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _json(rows: Iterable[dict[str, Any]], note: str) -> Iterator[str]:
    yield '{"tasks": ['
    between = "\n"
    for row in rows:
        yield between + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        between = ",\n"
    yield f'\n], "note": {json.dumps(note or None)}}}\n'


def _note(found: SearchResult) -> str:
    """Return a note on what the export leaves out, or ""."""
    if not found.scope.is_partial:
        return ""
    return _("Only the newest %(n)s tasks were searched.") % {"n": f"{WINDOW:,}"}
