"""The fetcher: how much is claimed, and where each claim goes."""

import pytest

from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import Work
from djtasks.worker.child.fetcher import Fetcher
from tests.worker.making import WORKER, claim_of


class Room:
    """A pool that only counts."""

    def __init__(self, room):
        self.room = room
        self.submitted = []
        self.running = []
        self.is_stuck = False

    def submit(self, work):
        self.submitted.append(work.claim)

    def take_back(self):
        taken, self.submitted = self.submitted, []
        return taken

    def take_back_stuck(self):
        return self.take_back() if self.is_stuck else []


class FixedSource:
    def __init__(self, *claims):
        self.claims = list(claims)
        self.asked = []

    def fetch(self, room):
        self.asked.append(room)
        return [Work.of(claim) for claim in self.claims]


@pytest.fixture
def parts():
    names = ("done", "handed", "given")
    return {"threads": Room(4), "coroutines": Room(50), "held": False} | {n: [] for n in names}


def fetcher_of(source, parts):
    return Fetcher(
        source,
        Pipeline(store=None, worker=WORKER),
        threads=parts["threads"],
        coroutines=parts["coroutines"],
        done=parts["done"].append,
        hand_over=parts["handed"].append,
        give_back=parts["given"].extend,
        is_held_up=lambda: parts["held"],
    )


def test_each_claim_goes_to_the_pool_of_its_kind(parts):
    plain, coroutine = claim_of("tests.tasks.add", 1, 2), claim_of("tests.tasks.add_async", 1, 2)

    fetcher_of(FixedSource(plain, coroutine), parts).tick()

    assert parts["threads"].submitted == [plain]
    assert parts["coroutines"].submitted == [coroutine]


def test_a_claim_that_is_not_to_be_run_is_settled_without_a_slot(parts):
    expired, unknown = claim_of("tests.tasks.add", 1, 2, is_expired=True), claim_of("no.such.task")

    fetcher_of(FixedSource(expired, unknown), parts).tick()

    assert [finished.claim for finished in parts["done"]] == [expired, unknown]
    assert parts["threads"].submitted == []


def test_a_suspect_is_handed_over(parts):
    suspect = claim_of("tests.tasks.add", 1, 2, crash_count=2, max_crashes=3)

    fetcher_of(FixedSource(suspect), parts).tick()

    assert parts["handed"] == [suspect]


def test_nothing_is_claimed_that_could_not_be_started(parts):
    source = FixedSource()
    fetcher = fetcher_of(source, parts)

    fetcher.tick()
    parts["coroutines"].room = 3
    fetcher.tick()
    parts["threads"].room = 0
    pause = fetcher.tick()

    assert source.asked == [4, 3]
    assert pause > 0


def test_each_pool_needs_room_for_its_usual_share_of_what_comes(parts):
    source = FixedSource()
    fetcher = fetcher_of(source, parts)
    for names in ([], ["add_async"] * 100, ["add"] * 60, ["unknown"] * 100, []):
        source.claims = [claim_of(f"tests.tasks.{name}", 1, 1) for name in names]
        fetcher.tick()

    # Threads have room for 4, coroutines for 50; plain ones are 1 in 20 at least, then 6 in 10.
    assert source.asked == [4, 4, 50, 6, 6]


@pytest.mark.parametrize("reason", ["held", "paused"])
def test_nothing_is_fetched_while_results_pile_up_or_somebody_says_so(parts, reason):
    source = FixedSource()
    fetcher = fetcher_of(source, parts)
    parts["held"] = reason == "held"
    fetcher.is_paused = reason == "paused"

    assert fetcher.tick() > 0

    assert source.asked == []


def test_what_waits_too_long_for_a_slot_goes_back_before_more_is_fetched(parts):
    claim = claim_of("tests.tasks.add", 1, 2)
    source = FixedSource(claim)
    fetcher = fetcher_of(source, parts)
    fetcher.tick()

    source.claims = []
    fetcher.is_paused = parts["threads"].is_stuck = True
    fetcher.tick()

    assert parts["given"] == [claim]
    assert parts["threads"].submitted == []


def test_what_went_back_is_no_part_of_the_share_of_a_process(parts):
    ended = []
    source = FixedSource(*[claim_of("tests.tasks.add", n, n) for n in range(3)])
    fetcher = fetcher_of(source, parts)
    fetcher.limit_to(4, lambda: ended.append(True))

    fetcher.tick()
    fetcher.give_back_waiting()
    fetcher.tick()
    assert not ended
    fetcher.tick()

    assert ended == [True]
    assert fetcher.is_paused
