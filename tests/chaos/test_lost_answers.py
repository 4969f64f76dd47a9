"""Calls that do what they were asked while their callers never hear of it."""

import signal

import pytest

from tests.chaos import invariants, tasks
from tests.chaos.faults import SURELY_LOST
from tests.chaos.site import Site
from tests.waiting import eventually


def lost(site: Site, call: str) -> int:
    """Return how many answers to a call were lost that named a record or more."""
    return sum(entry.fence > 0 for entry in site.story().of(f"lost:{call}"))


@pytest.mark.slow
@pytest.mark.everyday
def test_records_of_a_claim_without_an_answer_are_given_back_by_their_owner(site: Site) -> None:
    # Tasks of 5 ms are claimed forty at most at a time, so some sixty claims are at risk.
    tasks.work.enqueue_many([(5.0,)] * 2_000)
    worker = site.worker("--processes", "2", "--threads", "2", lose={"store.claim": 0.3})

    site.wait_until_done()

    assert lost(site, "store.claim") > 3, "the fault hit nothing"
    assert "Gave back records claimed without an answer" in worker.output()
    report = invariants.check(site, count=2_000)
    assert report.executions == 2_000, "a claim without an answer started its tasks"
    invariants.nobody_was_taken_alive(site)


@pytest.mark.slow
@pytest.mark.everyday
def test_a_settle_is_sent_again_until_its_answer_comes_and_counts_once(site: Site) -> None:
    tasks.fails_twice.enqueue_many([()] * 300)
    tasks.work.enqueue_many([(1.0,)] * 1_000)
    site.worker("--processes", "2", lose={"store.settle": 0.3})

    site.wait_until_done()

    assert lost(site, "store.settle") >= SURELY_LOST, "the fault hit nothing"
    report = invariants.check(site, count=1_300, attempts=3)
    assert report.executions == 1_000 + 3 * 300
    invariants.nobody_was_taken_alive(site)


@pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_any_answer_may_get_lost_now_and_then(site: Site) -> None:
    tasks.fails_twice.enqueue_many([()] * 50)
    tasks.work.enqueue_many([(2.0,)] * 500)
    everything = {"*": 0.03, "broker.pop": 0.03}
    for _ in range(2):
        site.worker("--processes", "1", "--threads", "4", lose=everything)

    site.wait_until_done()

    kinds = {entry.event for entry in site.story().entries if entry.event.startswith("lost:")}
    assert "lost:store.settle" in kinds, "the fault hit nothing"
    assert kinds & {"lost:store.claim", "lost:store.claim_due"}, "the fault hit nothing"
    report = invariants.check(site, count=550, attempts=3)
    assert report.executions == 500 + 3 * 50
    invariants.nobody_was_taken_alive(site)


def test_a_suspect_whose_hand_over_got_lost_is_not_stuck_with_anybody(site: Site) -> None:
    pills = [tasks.kill_process.enqueue("kill") for _ in range(2)]
    deaf = site.worker("--processes", "1", "--threads", "2", lose={"store.reassign": 0.999999})
    eventually(lambda: len(site.story().of("lost:store.reassign")) >= 3, seconds=90)
    deaf.signal(signal.SIGTERM)
    assert deaf.wait(60) == 0
    site.worker("--processes", "1")

    site.wait_until_done()

    assert "Suspect not taken over" in deaf.output()
    invariants.check(site, count=2)
    for pill in pills:
        pill.refresh()
        assert pill.errors[-1].exception_class_path.endswith("WorkerLost")
