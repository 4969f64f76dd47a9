"""Writing down what became of a file. Each may happen again after a crash, with one result."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from demo_project.library.folders import shown
from demo_project.library.measuring import Measures
from demo_project.library.models import Function, Outcome, SourceFile


def file_measures(file: SourceFile, measures: Measures, task: UUID) -> None:
    """Store what was measured in a file, its functions included; in one transaction, please."""
    SourceFile.objects.filter(pk=file.pk).update(
        outcome=Outcome.PARSED,
        task=task,
        finished_at=timezone.now(),
        lines=measures.lines,
        code_lines=measures.code_lines,
        comment_lines=measures.comment_lines,
        **_NO_ERROR,
    )
    Function.objects.filter(file=file).delete()
    Function.objects.bulk_create(
        Function(
            file=file,
            name=function.name[-300:],
            line=function.line,
            length=function.length,
            branches=function.branches,
        )
        for function in measures.functions
    )


def file_failure(file: SourceFile, error: BaseException, task: UUID | None) -> None:
    """Store why a file cannot be read, as far as the error tells also where."""
    place: dict[str, Any] = {}
    if isinstance(error, SyntaxError):
        place = {
            "error_line": error.lineno,
            "error_source": shown((error.text or "").strip())[:200],
        }
    message = error.msg if isinstance(error, SyntaxError) else _message(error)
    SourceFile.objects.filter(pk=file.pk).update(
        outcome=Outcome.FAILED,
        task=task,
        finished_at=timezone.now(),
        **{
            **_NO_ERROR,
            **place,
            "error": shown(message)[:500],
            "error_class": type(error).__name__,
        },
    )


def _message(error: BaseException) -> str:
    # An OSError's own text has the path in it, which stands beside it anyway.
    return (isinstance(error, OSError) and error.strerror) or str(error)


_NO_ERROR: dict[str, Any] = {
    "error": "",
    "error_class": "",
    "error_line": None,
    "error_source": "",
}
