"""Children start at once, later and later while they die young, and not for ever."""

import pytest

from djtasks.worker.supervisor import starts as module
from djtasks.worker.supervisor.starts import MOST_FAILED_STARTS, Starts


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_a_young_death_delays_the_next_start_and_not_that_of_a_suspect(clock):
    starts = Starts()

    starts.pace(1.0, crashed=True)

    assert not starts.may_begin
    assert starts.may_begin_alone
    clock.now += 0.5
    assert starts.may_begin


def test_a_child_that_could_not_start_delays_all(clock):
    starts = Starts()

    starts.failed(1)

    assert not starts.may_begin
    assert not starts.may_begin_alone


def test_only_failures_in_a_row_end_the_worker(clock):
    starts = Starts()
    for _ in range(MOST_FAILED_STARTS - 1):
        starts.failed(1)
    starts.succeeded()
    starts.failed(1)
    assert not starts.are_hopeless

    for _ in range(MOST_FAILED_STARTS - 1):
        starts.failed(1)

    assert starts.are_hopeless


def test_each_reason_is_logged_once(caplog):
    starts = Starts()

    for reason in ("no module", "no module", "no settings"):
        starts.report(reason)

    assert [record.getMessage().count("no ") for record in caplog.records] == [1, 1]
