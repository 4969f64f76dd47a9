"""Who is dead, and who only looks like it."""

import pytest
from django.db import OperationalError

from djtasks.models import WorkerRecord
from djtasks.store import workers
from djtasks.worker.config import SCANS_BEFORE_DEAD
from tests.chaos.traces.steps import enqueue, look, reaper_of, row

pytestmark = pytest.mark.everyday


def test_nobody_dies_of_a_database_that_can_be_read_and_not_written(site, ada):
    id_ = enqueue(site)
    ada.fetch("arrives")
    ada.start()
    is_writable = False

    def write() -> bool:
        if not is_writable:
            raise OperationalError("read-only")
        return True

    reaper = reaper_of(site, write)
    for _ in range(SCANS_BEFORE_DEAD + 2):
        with pytest.raises(OperationalError):
            reaper.scan()
    is_writable = True
    look(reaper, times=SCANS_BEFORE_DEAD)

    assert row(id_).worker == ada.id
    assert WorkerRecord.objects.filter(pk=ada.id).exists()


def test_a_look_that_fails_starts_every_count_anew(site, ada):
    fails = [False] * 4 + [True] + [False] * SCANS_BEFORE_DEAD
    turns = iter(fails)

    def write() -> bool:
        if next(turns):
            raise OperationalError("away")
        return True

    reaper = reaper_of(site, write)
    look(reaper, times=4)
    with pytest.raises(OperationalError):
        reaper.scan()
    look(reaper, times=SCANS_BEFORE_DEAD)

    assert WorkerRecord.objects.filter(pk=ada.id).exists()


def test_a_heartbeat_at_the_last_moment_saves_its_worker(site, ada):
    id_ = enqueue(site)
    ada.fetch("arrives")
    counter = workers.census(site.alias)[ada.id]
    ada.heartbeat()

    taken = workers.take(site.alias, ada.id, counter=counter)

    assert taken is None
    assert row(id_).worker == ada.id
