"""The tasks: one a file, and one that waits for all of them and writes the report."""

from datetime import timedelta

from django.db import DatabaseError

from demo_project.library import keys, reporting
from demo_project.library.filing import file_failure, file_measures
from demo_project.library.measuring import PARSE_ERRORS, measure
from demo_project.library.models import Reading, SourceFile
from djtasks import Backoff, Cancel, Retry, task
from djtasks.context import Context

# A file may be away for a moment, while an editor or an installer replaces it.
MOST_ATTEMPTS = 4
PERMANENT = (PermissionError, IsADirectoryError, NotADirectoryError)


@task(
    takes_context=True,
    unique=keys.file_key,
    timeout=timedelta(minutes=2),
    max_attempts=MOST_ATTEMPTS,
    backoff=Backoff(first_delay=timedelta(seconds=1)),
    retry_on=(OSError, DatabaseError),
    give_up_on=PERMANENT,
)
def read_file(context: Context, reading_id: int, file_id: int) -> dict[str, int]:
    """Parse and measure one file, and store what was found together with the success.

    A file that does not parse fails for good, with the error that Python gives for it; one
    that cannot be opened is tried again, unless that is hopeless.
    """
    file = _file(reading_id, file_id)
    try:
        measures = measure(file.path.read_bytes())
    except PARSE_ERRORS as error:
        file_failure(file, error, context.id)
        raise
    except OSError as error:
        if context.attempt >= MOST_ATTEMPTS or isinstance(error, PERMANENT):
            file_failure(file, error, context.id)
        raise
    summary = {"lines": measures.lines, "functions": len(measures.functions)}
    with context.complete_in_transaction(summary):
        file_measures(file, measures, context.id)
        if file.reading.finished_at is not None:
            # Somebody has repaired the file and retried its task: the report is out of date.
            write_report.using(target=file.reading).enqueue(reading_id)
    return summary


def _file(reading_id: int, file_id: int) -> SourceFile:
    try:
        return SourceFile.objects.select_related("reading").get(pk=file_id, reading=reading_id)
    except SourceFile.DoesNotExist:
        raise Cancel(f"File {file_id} of reading {reading_id} was deleted.") from None


@task(
    takes_context=True,
    unique=str,
    priority=-1,
    max_attempts=32_000,
    max_crashes=100,
    backoff=Backoff(first_delay=timedelta(seconds=1), longest_delay=timedelta(seconds=10)),
    retry_on=(DatabaseError,),
)
def write_report(context: Context, reading_id: int) -> dict[str, int]:
    """Write the report once every file's task is final, whatever ended it.

    It counts rows each time it looks, so nothing is lost or done twice when the last files
    finish at once, and a task that was cancelled or whose worker died is no exception. Its
    lower priority lets it start after the files.
    """
    reading = Reading.objects.filter(pk=reading_id).first()
    if reading is None:
        raise Cancel(f"Reading {reading_id} was deleted.")
    left = keys.live_records_of(reading_id).count()
    if left:
        all_files = reading.files.count()
        context.set_progress(all_files - left, all_files, f"{left:,} files to go")
        raise Retry(f"{left:,} files to go.", delay=min(0.5 + context.attempt / 20, 10))
    with context.complete_in_transaction() as completion:
        completion.value = totals = reporting.save_report(reading)
    return totals
