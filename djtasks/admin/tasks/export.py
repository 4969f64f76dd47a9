"""What a search finds as CSV or JSON: streamed, bounded, everything sensitive taken out."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from djtasks.admin.search import Found, asked_for, find
from djtasks.admin.task_pages import TaskPages
from djtasks.definitions import registry
from djtasks.definitions.redaction import redacted, redacted_value
from djtasks.engine import Engine
from djtasks.inspection.listing import WINDOW, last_error
from djtasks.inspection.status import records_of
from djtasks.inspection.tasks import phase_of, ran_of, waited_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

_ROWS_A_LOOK = 500
_COLUMNS = (
    "id", "task", "state", "queue", "priority", "enqueued_at", "run_after", "last_attempted_at",
    "finished_at", "waited_seconds", "ran_seconds", "attempt", "max_attempts", "worker", "key",
    "target", "error", "message",
)  # fmt: skip
_SENSITIVE = ("args", "kwargs", "return_value")
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


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
    rows = _rows(engine, found)
    note = _note(found)
    lines = _csv(rows, _columns(found), note) if form == "csv" else _json(rows, note)
    answer = StreamingHttpResponse(lines, content_type=_FORMATS[form])
    answer["Content-Disposition"] = f'attachment; filename="tasks.{form}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _columns(found: Found) -> tuple[str, ...]:
    return (*_COLUMNS, *_SENSITIVE) if found.known.may_view_arguments else _COLUMNS


def _rows(engine: Engine, found: Found) -> Iterator[dict[str, Any]]:
    """Yield rows, newest first; what is deleted meanwhile is left out.

    All ids at once (the scope bounds them), then some rows at a time: a slow reader holds no
    transaction open.
    """
    ids = sorted(found.records.values_list("pk", flat=True), reverse=True)
    records = records_of(engine).defer("metadata", "progress")
    for at in range(0, len(ids), _ROWS_A_LOOK):
        for record in records.filter(pk__in=ids[at : at + _ROWS_A_LOOK]).order_by("-pk"):
            yield _row(engine, record, found)


def _row(engine: Engine, record: TaskRecord, found: Found) -> dict[str, Any]:
    now = found.known.now
    failure = last_error(record)
    before = record.worker_ids or [None]
    state, is_due = State(record.state), record.run_after <= now
    row = {
        "id": record.pk,
        "task": record.task_path,
        "state": phase_of(state, attempt=record.attempt, is_due=is_due),
        "waited_seconds": _seconds(waited_of(record, now)),
        "ran_seconds": _seconds(ran_of(record, now)),
        "worker": record.worker or before[-1],
        "error": str(failure.get("class", "")),
        "message": str(failure.get("message", "")),
    }
    row |= {name: getattr(record, name) for name in _COLUMNS if name not in row}
    whole = {name: row[name] for name in _COLUMNS}
    return whole | _arguments(engine, record) if found.known.may_view_arguments else whole


def _arguments(engine: Engine, record: TaskRecord) -> dict[str, Any]:
    pattern = engine.options.redact or ""
    task = registry.find(record.task_path)
    args, kwargs = redacted(record.args, record.kwargs, task, pattern=pattern)
    value = redacted_value(record.return_value, pattern=pattern)
    return {"args": args, "kwargs": kwargs, "return_value": value}


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
    return f"'{text}" if text.startswith(_FORMULA) else text


def _json(rows: Iterable[dict[str, Any]], note: str) -> Iterator[str]:
    yield '{"tasks": ['
    between = "\n"
    for row in rows:
        yield between + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        between = ",\n"
    yield f'\n], "note": {json.dumps(note or None)}}}\n'


def _note(found: Found) -> str:
    """Return what is not in the export, or ""."""
    if not found.scope.is_partial:
        return ""
    return _("Only the newest %(n)s tasks were looked at.") % {"n": f"{WINDOW:,}"}
