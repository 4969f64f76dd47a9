"""Producers that die, are never answered, fork, or enqueue where no hook runs."""

import pytest

from djtasks.models import TaskRecord
from tests.chaos import invariants
from tests.chaos.site import Site

PRODUCER = "tests.chaos.producer"
# As PostgreSQL and MySQL are sent it; the latter are also told of AUTOCOMMIT and COMMITTED.
COMMITS = (b"COMMIT\x00", b"\x03COMMIT")
COUNTING = "tests.chaos.faults.CountingBroker"
EVERYWHERE = pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)


@pytest.mark.everyday
@pytest.mark.slow
def test_a_producer_that_dies_between_commit_and_push_loses_nothing(site: Site) -> None:
    die_before_the_push(site)


@pytest.mark.parametrize("site", ["mariadb", "sqlite"], indirect=True)
def test_a_producer_that_dies_loses_nothing_on_other_databases_either(site: Site) -> None:
    die_before_the_push(site)


def die_before_the_push(site: Site) -> None:
    dying = {"broker": "tests.chaos.faults.DyingBroker"}
    assert site.python(PRODUCER, "dies", "50", **dying).wait(60) == 9
    assert site.python(PRODUCER, "plain", "50", **dying).wait(60) == 9

    assert len(site.story().of("died")) == 2, "the fault hit nothing"
    assert site.hints() == 0
    site.worker("--processes", "1")
    site.wait_until_done()
    report = invariants.check(site, count=51)
    assert report.executions == 51


@pytest.mark.parametrize("site", ["postgresql", "mariadb"], indirect=True)
def test_who_never_heard_of_a_commit_and_asks_again_makes_one_record(site: Site) -> None:
    line = site.database_proxy()
    loss = line.lose_answers(*COMMITS, share=0.5)
    assert site.python(PRODUCER, "again", "25", database=line).wait(120) == 0
    line.lose_none()

    assert loss.count > 0, "the fault hit nothing"
    assert len(site.story().of("unheard")) == loss.count
    assert TaskRecord.objects.count() == 25
    site.worker("--processes", "1")
    site.wait_until_done()
    assert invariants.check(site, count=25).executions == 25


@EVERYWHERE
@pytest.mark.parametrize(
    ("mode", "records", "pushed"),
    [("fork", 80, 80), ("atexit", 20, 20), ("threads", 160, 160), ("manual", 20, 0)],
)
def test_each_committed_task_is_pushed_once_wherever_it_was_enqueued(
    site: Site, mode: str, records: int, pushed: int
) -> None:
    assert site.python(PRODUCER, mode, "20", broker=COUNTING).wait(120) == 0

    assert TaskRecord.objects.count() == records
    assert sum(entry.fence for entry in site.story().of("pushed")) == pushed
    site.worker("--processes", "1")
    site.wait_until_done()
    assert invariants.check(site, count=records).executions == records
