import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from demo_project.library import keys
from demo_project.library.filing import file_measures
from demo_project.library.folders import FolderProblem, default_folders, standard_library
from demo_project.library.measuring import measure
from demo_project.library.models import Function, Outcome, Reading, SourceFile
from demo_project.library.proving import failure_counts, problems_of
from demo_project.library.readings import order_reading
from djtasks import operations
from djtasks.engine import engine_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.waiting import eventually

Work = Callable[[Reading], Reading]


def outcomes(reading: Reading) -> dict[str, str]:
    return {file.name: file.get_outcome_display() for file in reading.files.all()}


def record_of(file: SourceFile) -> TaskRecord:
    return keys.records_of(file.reading_id).get(
        key=f"{keys.READ_FILE}:{keys.file_key(file.reading_id, file.pk)}"
    )


def test_a_reading_is_one_task_a_file_and_one_for_the_report(engine: Any, shelf: Path) -> None:
    reading = order_reading([shelf])

    paths = TaskRecord.objects.order_by("pk").values_list("task_path", flat=True)
    assert list(paths) == [keys.READ_FILE] * 3 + [keys.WRITE_REPORT]
    assert set(outcomes(reading).values()) == {"Waiting"}
    assert reading.folders == [str(shelf)]


def test_a_reading_that_is_rolled_back_was_never_ordered(live_engine: Any, shelf: Path) -> None:
    with transaction.atomic():
        order_reading([shelf])
        transaction.set_rollback(True)

    assert not TaskRecord.objects.exists()
    assert not SourceFile.objects.exists()


def test_a_folder_without_files_orders_nothing(engine: Any, tmp_path: Path) -> None:
    with pytest.raises(FolderProblem):
        order_reading([tmp_path])

    assert not Reading.objects.exists()


@pytest.mark.parametrize(
    ("folders", "title"),
    [
        (default_folders(), "The standard library"),
        ([standard_library() / "json"], "json"),
        (list(reversed(default_folders())), "The specimens and the standard library"),
    ],
)
def test_a_reading_is_called_after_its_folders(
    engine: Any, folders: list[Path], title: str
) -> None:
    assert order_reading(folders).title == title


def test_files_are_measured_and_failures_are_the_tasks_own(work: Work, shelf: Path) -> None:
    reading = work(order_reading([shelf]))

    assert outcomes(reading) == {
        "main.py": "Parsed",
        "poems/broken.py": "Failed",
        "poems/ode.py": "Parsed",
    }
    broken = SourceFile.objects.get(name="poems/broken.py")
    assert (broken.error_class, broken.error_line, broken.error_source) == (
        "SyntaxError",
        1,
        "def ode(:",
    )
    record = TaskRecord.objects.get(pk=broken.task)
    assert record.state == State.FAILED
    assert record.errors[-1]["class"] == "builtins.SyntaxError"
    assert record.attempt == 1
    assert Function.objects.get().name == "main"
    assert problems_of(reading, [shelf]) == []
    assert failure_counts(reading) == {"SyntaxError": 1}


def test_a_file_that_is_read_twice_has_its_functions_once(engine: Any, shelf: Path) -> None:
    order_reading([shelf])
    file = SourceFile.objects.get(name="main.py")
    measures = measure(file.path.read_bytes())

    for _ in range(2):
        file_measures(file, measures, uuid4())

    assert Function.objects.count() == 1


def test_the_report_adds_up(work: Work, shelf: Path) -> None:
    reading = work(order_reading([shelf]))

    report: Any = reading.report
    assert report["totals"] == {
        "found": 3,
        "parsed": 2,
        "failed": 1,
        "lines": 7,
        "code_lines": 3,
        "comment_lines": 2,
        "functions": 1,
    }
    assert [package["name"] for package in report["packages"]] == ["", "poems"]
    assert report["longest"] == [
        {"name": "main.py", "lines": 5},
        {"name": "poems/ode.py", "lines": 2},
    ]
    assert reading.finished_at is not None
    result = TaskRecord.objects.get(task_path=keys.WRITE_REPORT)
    assert result.state == State.SUCCESSFUL
    assert result.return_value == report["totals"]


def test_a_file_whose_name_is_not_text_is_read(work: Work, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"ol\xe9.py")).write_text("x = 1")

    reading = work(order_reading([tmp_path]))

    assert outcomes(reading) == {"ol\\udce9.py": "Parsed"}


def test_a_file_that_vanishes_is_tried_again_and_read_when_it_is_back(
    work: Work, shelf: Path
) -> None:
    reading = order_reading([shelf])
    file = SourceFile.objects.get(name="main.py")
    (shelf / "main.py").rename(shelf / "main.away")
    run_due()
    record = record_of(file)
    assert (record.state, record.attempt) == (State.READY, 1)
    assert record.errors[-1]["class"] == "builtins.FileNotFoundError"
    (shelf / "main.away").rename(shelf / "main.py")

    work(reading)

    assert outcomes(reading)["main.py"] == "Parsed"
    assert record_of(file).attempt == 2


def test_a_file_that_stays_away_fails_for_good(work: Work, shelf: Path) -> None:
    reading = order_reading([shelf])
    (shelf / "main.py").unlink()
    # As if it had been tried for a while.
    keys.records_of(reading.pk).update(attempt=3)

    work(reading)

    file = SourceFile.objects.get(name="main.py")
    assert (file.outcome, file.error_class) == (Outcome.FAILED, "FileNotFoundError")
    assert file.error == "No such file or directory"
    assert record_of(file).attempt == 4


def test_a_file_that_became_a_folder_is_not_tried_again(work: Work, shelf: Path) -> None:
    reading = order_reading([shelf])
    (shelf / "main.py").unlink()
    (shelf / "main.py").mkdir()

    work(reading)

    file = SourceFile.objects.get(name="main.py")
    assert (file.error_class, record_of(file).attempt) == ("IsADirectoryError", 1)


def test_a_cancelled_file_fails_in_the_report(work: Work, shelf: Path) -> None:
    reading = order_reading([shelf])
    file = SourceFile.objects.get(name="main.py")
    operations.cancel(engine_of("default"), [record_of(file).pk])

    work(reading)

    file.refresh_from_db()
    assert (file.outcome, file.error_class) == (Outcome.FAILED, "TaskEnded")
    assert file.error == "Its task is cancelled: nothing was said"
    assert reading.report is not None
    assert problems_of(reading, [shelf]) == [
        "main.py is failed, but its task is cancelled.",
        "main.py failed with TaskEnded, but really gives no error.",
    ]


def test_a_repaired_file_that_is_retried_changes_the_report(work: Work, shelf: Path) -> None:
    reading = work(order_reading([shelf]))
    (shelf / "poems" / "broken.py").write_text("def ode(): pass\n")
    broken = SourceFile.objects.get(name="poems/broken.py")

    operations.retry(engine_of("default"), [record_of(broken).pk])

    def parsed() -> bool:
        run_due()
        reading.refresh_from_db()
        return (reading.report or {})["totals"]["parsed"] == 3

    eventually(parsed)
    assert problems_of(reading, [shelf]) == []


def test_files_of_a_deleted_reading_are_cancelled(work: Work, shelf: Path) -> None:
    deleted = order_reading([shelf])
    key = deleted.pk
    deleted.delete()

    work(order_reading([shelf]))

    states = set(keys.records_of(key).values_list("state", flat=True))
    assert states == {State.CANCELLED}


def prove_wrong(reading: Reading, shelf: Path) -> str:
    return " ".join(problems_of(reading, [shelf]))


@pytest.fixture
def finished(work: Work, shelf: Path) -> Reading:
    return work(order_reading([shelf]))


def test_a_lost_task_is_noticed(finished: Reading, shelf: Path) -> None:
    record_of(SourceFile.objects.get(name="main.py")).delete()

    assert "main.py: its task is lost." in prove_wrong(finished, shelf)


def test_a_lost_file_is_noticed(finished: Reading, shelf: Path) -> None:
    SourceFile.objects.filter(name="main.py").delete()

    assert "3 files are there, but 2 were ordered" in prove_wrong(finished, shelf)


def test_wrong_lines_are_noticed(finished: Reading, shelf: Path) -> None:
    SourceFile.objects.filter(name="main.py").update(lines=6)

    said = prove_wrong(finished, shelf)

    assert "The rows have 8 lines, but it is 7." in said
    assert "The report's totals are" in said


def test_a_wrong_report_is_noticed(finished: Reading, shelf: Path) -> None:
    assert finished.report is not None
    finished.report["totals"]["parsed"] = 3

    assert "The report says 3 parsed, but it is 2." in prove_wrong(finished, shelf)


def test_missing_functions_are_noticed(finished: Reading, shelf: Path) -> None:
    Function.objects.all().delete()

    assert "The rows have 0 functions, but it is 1." in prove_wrong(finished, shelf)


def test_an_invented_failure_is_noticed(finished: Reading, shelf: Path) -> None:
    SourceFile.objects.filter(name="main.py").update(
        outcome=Outcome.FAILED, error_class="SyntaxError", finished_at=timezone.now()
    )

    said = prove_wrong(finished, shelf)

    assert "main.py failed with SyntaxError, but really gives no error." in said
    assert "main.py is failed, but its task is successful." in said


def test_a_file_left_behind_is_noticed(finished: Reading, shelf: Path) -> None:
    SourceFile.objects.filter(name="main.py").update(outcome=Outcome.WAITING)

    assert "1 files are still waiting after the report." in prove_wrong(finished, shelf)


def test_at_most_ten_problems_are_told(finished: Reading, shelf: Path) -> None:
    for number in range(12):
        SourceFile.objects.create(reading=finished, location=b"/x", name=f"{number}.py")

    problems = problems_of(finished, [shelf])

    assert len(problems) == 11
    assert problems[-1].startswith("And ")
