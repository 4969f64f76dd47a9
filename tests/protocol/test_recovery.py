"""Where a record goes whose process is gone, as a table."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.protocol.recovery import Departure, Release, judge_release
from djtasks.protocol.states import State

CRASH = Departure(crashed=True)
CRASH_ALONE = Departure(crashed=True, alone=True)
DRAIN = Departure(crashed=False)
DRAIN_ALONE = Departure(crashed=False, alone=True)
READY, FAILED, CANCELLED = State.READY, State.FAILED, State.CANCELLED


@pytest.mark.parametrize(
    ("departure", "crash_count", "max_crashes", "release"),
    [
        (DRAIN, 0, 3, Release(READY, 0)),
        (DRAIN, 2, 3, Release(READY, 2)),
        (DRAIN_ALONE, 2, 3, Release(READY, 2)),
        (CRASH, 0, 3, Release(READY, 1)),
        (CRASH, 1, 3, Release(READY, 2)),
        (CRASH, 2, 3, Release(READY, 2)),
        (CRASH, 0, 2, Release(READY, 1)),
        (CRASH, 1, 2, Release(READY, 1)),
        (CRASH_ALONE, 0, 3, Release(READY, 1)),
        (CRASH_ALONE, 1, 3, Release(READY, 2)),
        (CRASH_ALONE, 2, 3, Release(FAILED, 3)),
        (CRASH_ALONE, 1, 2, Release(FAILED, 2)),
        (CRASH, 0, 1, Release(FAILED, 1)),
        (CRASH_ALONE, 0, 1, Release(FAILED, 1)),
        (DRAIN, 0, 1, Release(FAILED, 0)),
    ],
)
def test_where_a_record_goes(
    departure: Departure, crash_count: int, max_crashes: int, release: Release
) -> None:
    went = judge_release(
        departure, cancel_requested=False, crash_count=crash_count, max_crashes=max_crashes
    )

    assert went == release


@pytest.mark.parametrize("max_crashes", [1, 3])
@pytest.mark.parametrize("departure", [CRASH, CRASH_ALONE, DRAIN])
def test_a_cancelled_record_never_comes_back(departure: Departure, max_crashes: int) -> None:
    went = judge_release(departure, cancel_requested=True, crash_count=0, max_crashes=max_crashes)

    assert went == Release(CANCELLED, 0)


ME, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("running", "is_spared"),
    [
        (None, False),
        (frozenset(), False),
        (frozenset({ME}), False),
        (frozenset({ME, OTHER}), False),
        (frozenset({OTHER}), True),
    ],
)
def test_a_record_is_spared_while_others_and_not_it_were_at_work(
    running: frozenset[UUID] | None, is_spared: bool
) -> None:
    assert Departure(crashed=True, running=running).spares(ME) == is_spared


@pytest.mark.parametrize(
    ("max_crashes", "cancel_requested", "release"),
    [
        (3, False, Release(READY, 1)),
        (3, True, Release(CANCELLED, 1)),
        (1, False, Release(FAILED, 2)),
    ],
)
def test_a_spared_record_goes_back_as_it_was_unless_it_may_never_start_twice(
    max_crashes: int, cancel_requested: bool, release: Release
) -> None:
    went = judge_release(
        CRASH,
        cancel_requested=cancel_requested,
        crash_count=1,
        max_crashes=max_crashes,
        is_spared=True,
    )

    assert went == release


@given(crash_count=st.integers(0, 40), max_crashes=st.integers(2, 40))
def test_a_crash_in_company_never_ends_a_record_that_may_start_again(
    crash_count: int, max_crashes: int
) -> None:
    went = judge_release(
        CRASH, cancel_requested=False, crash_count=crash_count, max_crashes=max_crashes
    )

    assert went.state is READY
    assert went.crash_count < max_crashes


@given(max_crashes=st.integers(2, 40))
def test_a_poison_task_ends_after_so_many_crashes(max_crashes: int) -> None:
    record, crashes = Release(READY, 0), 0

    while record.state is READY:
        must_run_isolated = record.crash_count == max_crashes - 1
        record = judge_release(
            CRASH_ALONE if must_run_isolated else CRASH,
            cancel_requested=False,
            crash_count=record.crash_count,
            max_crashes=max_crashes,
        )
        crashes += 1

    assert record == Release(FAILED, max_crashes)
    assert crashes == max_crashes
