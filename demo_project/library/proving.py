"""Checking a finished reading against what it was made from: the files and the task records.

Nothing here trusts the report: files are looked for again, lines are counted in their bytes,
and every failure must happen again when its file is read once more.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from demo_project.library import keys
from demo_project.library.folders import FolderProblem, find_files
from demo_project.library.measuring import PARSE_ERRORS, measure
from demo_project.library.models import Function, Outcome, Reading, SourceFile
from demo_project.library.reporting import totals_of
from djtasks.protocol.states import State

_STATES = {Outcome.PARSED: State.SUCCESSFUL, Outcome.FAILED: State.FAILED}
_MOST_PROBLEMS = 10


def problems_of(reading: Reading, folders: Sequence[Path]) -> list[str]:
    """Return a sentence for each thing that is wrong, none for a reading as it should be."""
    files = list(SourceFile.objects.filter(reading=reading))
    records = {record.key: record for record in keys.records_of(reading.pk)}
    problems = [
        *_wrong_counts(reading, files, folders),
        *_wrong_tasks(reading, files, records),
        *_wrong_failures(files),
        *_wrong_sums(reading, files, records),
    ]
    if len(problems) > _MOST_PROBLEMS:
        rest = f"And {len(problems) - _MOST_PROBLEMS:,} more."
        return [*problems[:_MOST_PROBLEMS], rest]
    return problems


def failure_counts(reading: Reading) -> dict[str, int]:
    """Return how many files failed with which class of error, most frequent first."""
    failed = SourceFile.objects.filter(reading=reading, outcome=Outcome.FAILED)
    return dict(Counter(failed.values_list("error_class", flat=True)).most_common())


def _wrong_counts(
    reading: Reading, files: Sequence[SourceFile], folders: Sequence[Path]
) -> Iterator[str]:
    try:
        there = len(find_files(folders).files)
    except FolderProblem as problem:
        yield str(problem)
        return
    if there != len(files):
        yield f"{there} files are there, but {len(files)} were ordered to be read."
    outcomes = Counter(file.outcome for file in files)
    if outcomes[Outcome.WAITING]:
        yield f"{outcomes[Outcome.WAITING]} files are still waiting after the report."
    totals = (reading.report or {}).get("totals", {})
    for outcome in _STATES:
        name = outcome.name.lower()
        if totals.get(name) != outcomes[outcome]:
            yield f"The report says {totals.get(name)} {name}, but it is {outcomes[outcome]}."


def _wrong_tasks(
    reading: Reading, files: Sequence[SourceFile], records: dict[str, Any]
) -> Iterator[str]:
    if len(records) > len(files):
        yield f"There are {len(records)} task records for {len(files)} files."
    for file in files:
        record = records.get(f"{keys.READ_FILE}:{keys.file_key(reading.pk, file.pk)}")
        if record is None:
            yield f"{file.name}: its task is lost."
        elif record.state != _STATES.get(Outcome(file.outcome)):
            yield (
                f"{file.name} is {file.get_outcome_display().lower()}, but its task is "
                f"{record.get_state_display().lower()}."
            )


def _wrong_failures(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        if file.outcome == Outcome.FAILED and (real := _real_error(file)) != file.error_class:
            yield f"{file.name} failed with {file.error_class}, but really gives {real}."


def _real_error(file: SourceFile) -> str:
    try:
        measure(file.path.read_bytes())
    except (*PARSE_ERRORS, OSError) as error:
        return type(error).__name__
    return "no error"


def _wrong_sums(
    reading: Reading, files: Sequence[SourceFile], records: dict[str, Any]
) -> Iterator[str]:
    parsed = [file for file in files if file.outcome == Outcome.PARSED]
    returned = [record.return_value for record in records.values() if record.return_value]
    totals = (reading.report or {}).get("totals", {})
    if totals != (now := totals_of(reading)):
        yield f"The report's totals are {totals}, but its rows have {now}."
    expected = {
        "lines": sum(_line_count(file.path.read_bytes()) for file in parsed if file.path.exists()),
        "functions": sum(value["functions"] for value in returned),
    }
    rows = Function.objects.filter(file__reading=reading).count()
    for name, counted in (("lines", sum(f.lines for f in parsed)), ("functions", rows)):
        if counted != expected[name]:
            yield f"The rows have {counted:,} {name}, but it is {expected[name]:,}."


def _line_count(source: bytes) -> int:
    """Count lines as Python does, without decoding or parsing."""
    lines = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.count(b"\n") + (not lines.endswith(b"\n") and bool(lines))
