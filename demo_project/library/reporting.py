"""The report of a reading: everything counted from rows, once they are final."""

from typing import Any

from django.db.models import Count, F, Sum
from django.utils import timezone

from demo_project.library import keys
from demo_project.library.filing import file_failure
from demo_project.library.models import Function, Outcome, Reading, SourceFile

LONGEST_FILES = 8
BRANCHING_FUNCTIONS = 6


class TaskEnded(Exception):
    """The task of a file ended without an answer: it was cancelled, or lost its workers."""


def save_report(reading: Reading) -> dict[str, int]:
    """Write the report and return its totals; in one transaction, please."""
    _close_unanswered(reading)
    totals = totals_of(reading)
    Reading.objects.filter(pk=reading.pk).update(
        finished_at=timezone.now(),
        report={
            "totals": totals,
            "packages": packages_of(reading),
            "longest": _longest_files(reading),
            "branching": _branching_functions(reading),
        },
    )
    return totals


def totals_of(reading: Reading) -> dict[str, int]:
    """Return the sums over all files."""
    files = SourceFile.objects.filter(reading=reading)
    sums = files.aggregate(
        found=Count("pk"),
        lines=Sum("lines", default=0),
        code_lines=Sum("code_lines", default=0),
        comment_lines=Sum("comment_lines", default=0),
    )
    by_outcome = dict(files.order_by().values_list("outcome").annotate(Count("pk")))
    functions = Function.objects.filter(file__reading=reading).count()
    return {
        **sums,
        "parsed": by_outcome.get(Outcome.PARSED, 0),
        "failed": by_outcome.get(Outcome.FAILED, 0),
        "functions": functions,
    }


def packages_of(reading: Reading) -> list[dict[str, Any]]:
    """Return files and lines by package, most lines first."""
    rows = (
        SourceFile.objects.filter(reading=reading, outcome=Outcome.PARSED)
        .order_by()
        .values("package")
        .annotate(
            files=Count("pk"),
            all_lines=Sum("lines"),
            code=Sum("code_lines"),
            comments=Sum("comment_lines"),
        )
        .order_by("-all_lines", "package")
    )
    return [
        {
            "name": row["package"],
            "files": row["files"],
            "lines": row["all_lines"],
            "code_lines": row["code"],
            "comment_lines": row["comments"],
        }
        for row in rows
    ]


def _longest_files(reading: Reading) -> list[dict[str, Any]]:
    files = SourceFile.objects.filter(reading=reading, lines__gt=0)
    longest = files.order_by("-lines", "name").values("name", "lines")[:LONGEST_FILES]
    return [{**row} for row in longest]


def _branching_functions(reading: Reading) -> list[dict[str, Any]]:
    functions = Function.objects.filter(file__reading=reading, branches__gt=1)
    best = functions.order_by("-branches", "file__name", "line").values(
        "name", "line", "branches", file_name=F("file__name")
    )
    return [{**row} for row in best[:BRANCHING_FUNCTIONS]]


def _close_unanswered(reading: Reading) -> None:
    """Fail the files whose tasks ended without saying anything about them."""
    waiting = {
        f"{keys.READ_FILE}:{keys.file_key(reading.pk, file.pk)}": file
        for file in SourceFile.objects.filter(reading=reading, outcome=Outcome.WAITING)
    }
    if not waiting:
        return
    records = {record.key: record for record in keys.records_of(reading.pk)}
    for key, file in waiting.items():
        record = records.get(key)
        if record is None:
            file_failure(file, TaskEnded("Its task has disappeared."), None)
        else:
            state = record.get_state_display().lower()
            said = record.errors[-1]["message"] if record.errors else "nothing was said"
            file_failure(file, TaskEnded(f"Its task is {state}: {said}"), record.pk)
