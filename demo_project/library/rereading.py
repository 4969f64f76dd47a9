"""The schedule: what was read last is read again every few minutes, as it is by then."""

from datetime import timedelta

from demo_project.library import keys
from demo_project.library.folders import FolderProblem, folder_at
from demo_project.library.models import Reading
from demo_project.library.readings import order_reading
from djtasks import Cancel, Every, periodic, task

# A reading of the standard library has some 20,000 functions.
KEPT = 12


@periodic(Every(timedelta(minutes=5)), name=keys.READ_AGAIN, overlap="skip")
@task
def read_again() -> int:
    """Order another reading of the folders of the newest one, and forget the oldest readings.

    Returns the new reading. Cancelled, with the reason, while there is nothing to read again.
    """
    newest = Reading.objects.first()
    if newest is None:
        raise Cancel("Nothing has been read yet.")
    if newest.finished_at is None:
        raise Cancel(f"Reading {newest.pk} is not finished yet.")
    try:
        again = order_reading([folder_at(folder) for folder in newest.folders])
    except FolderProblem as problem:
        raise Cancel(str(problem)) from problem
    finished = Reading.objects.filter(finished_at__isnull=False)
    Reading.objects.filter(pk__in=[old.pk for old in finished[KEPT:]]).delete()
    return again.pk
