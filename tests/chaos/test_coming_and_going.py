"""Workers that start or stop while their database is away."""

import signal

import pytest

from djtasks.models import WorkerRecord
from tests.chaos import invariants, tasks
from tests.chaos.outages import LOST
from tests.chaos.proxy import Mode
from tests.chaos.site import Site
from tests.waiting import eventually

# 0: without child processes, everything in one.
PROCESSES = pytest.mark.parametrize("processes", ["1", "0"])


@pytest.mark.everyday
@PROCESSES
def test_a_worker_that_starts_without_its_database_waits_for_it(site: Site, processes: str) -> None:
    line = site.database_proxy()
    line.switch(Mode.REFUSE)
    tasks.work.enqueue_many([(1.0,)] * 20)

    worker = site.worker("--processes", processes, database=line, wait=False)
    eventually(lambda: "The database does not answer; the worker retries" in worker.output())
    eventually(lambda: "waits for the database" in worker.output())
    assert not worker.has_ended
    line.switch(Mode.PASS)
    site.wait_until_done()

    invariants.check(site, count=20)


@PROCESSES
def test_a_worker_whose_first_answer_is_lost_signs_on_once(site: Site, processes: str) -> None:
    line = site.database_proxy()
    loss = line.lose_answers(b'INSERT INTO "djtasks_workerrecord"')
    tasks.work.enqueue_many([(1.0,)] * 20)

    site.worker("--processes", processes, database=line, wait=False)
    eventually(lambda: loss.count)
    line.lose_none()
    site.wait_until_done()

    assert WorkerRecord.objects.count() == 1
    invariants.check(site, count=20)
    invariants.nobody_was_taken_alive(site)


@PROCESSES
def test_a_worker_that_waits_for_its_database_can_be_stopped(site: Site, processes: str) -> None:
    line = site.database_proxy()
    line.switch(Mode.REFUSE)
    worker = site.worker("--processes", processes, database=line, wait=False)
    eventually(lambda: "waits for the database" in worker.output())

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert "Traceback" not in worker.output()


@PROCESSES
def test_a_worker_that_lost_its_database_can_be_stopped(site: Site, processes: str) -> None:
    line = site.database_proxy()
    worker = site.worker("--processes", processes, database=line, wait=False)
    eventually(WorkerRecord.objects.exists)
    line.switch(Mode.REFUSE)
    eventually(lambda: LOST in worker.output())

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert "Traceback" not in worker.output()
