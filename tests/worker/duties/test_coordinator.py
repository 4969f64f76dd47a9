"""One holder of the lease at a time, taken over when it stands still."""

from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError

from djtasks.formats.ids import new_id
from djtasks.models import Lease
from djtasks.options import Options
from djtasks.worker.duties import coordinator as module
from djtasks.worker.duties.coordinator import Coordinator, LeaseKeeper

ADA, BOB = new_id(), new_id()


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def keepers(engine, clock):
    return LeaseKeeper(engine, "duty", ADA), LeaseKeeper(engine, "duty", BOB)


def test_the_first_to_ask_has_it_and_keeps_it(keepers):
    ada, bob = keepers

    assert ada.keep()
    assert not bob.keep()
    assert ada.keep()
    assert Lease.objects.get().holder == ADA


def test_a_holder_that_moves_is_never_superseded(keepers, clock):
    ada, bob = keepers
    ada.keep()

    for _ in range(100):
        clock.now += 1
        assert ada.keep()
        assert not bob.keep()


def test_a_holder_that_stands_still_is_superseded_after_a_heartbeat(keepers, clock):
    ada, bob = keepers
    ada.keep()
    bob.keep()

    clock.now += 4.9
    assert not bob.keep()
    clock.now += 0.2
    assert bob.keep()
    assert not ada.keep()
    assert not ada.is_held


def test_of_two_who_see_it_stand_still_one_gets_it(engine, keepers, clock):
    ada, bob = keepers
    eve = LeaseKeeper(engine, "duty", new_id())
    ada.keep()
    bob.keep()
    eve.keep()
    clock.now += 6

    assert [bob.keep(), eve.keep()] == [True, False]


def test_a_lease_given_up_is_free_at_once(keepers):
    ada, bob = keepers
    ada.keep()

    ada.drop()

    assert bob.keep()


def test_duties_are_done_by_the_holder_only(engine, clock):
    first, second = Coordinator(engine, ADA), Coordinator(engine, BOB)
    done = []

    class Duty:
        def __init__(self, name):
            self.name = name

        def tick(self):
            done.append(self.name)
            return 0.3

    for name, coordinator in (("first", first), ("second", second)):
        coordinator._duties = [Duty(name), Duty(name)]

    assert 0 < first.tick() <= 0.3
    assert second.tick() == 1.0
    assert done == ["first", "first"]
    first.drop_lease()
    clock.now += 2
    second.tick()
    assert done == ["first", "first", "second", "second"]
    assert Options().heartbeat == timedelta(seconds=5)


@pytest.mark.parametrize("error", [RuntimeError("plug-in"), SystemExit(3), ProgrammingError("no")])
def test_a_duty_that_fails_holds_up_no_other(engine, error):
    done = []

    class Faulty:
        def tick(self):
            raise error

    class Duty:
        def tick(self):
            done.append("done")
            return 0.3

    coordinator = Coordinator(engine, ADA)
    coordinator._duties = [Faulty(), Duty()]

    with pytest.raises(type(error)):
        coordinator.tick()

    assert done == ["done"]


def test_without_the_database_no_duty_waits_for_it_again(engine):
    class Away:
        def tick(self):
            raise OperationalError("server has gone away")

    coordinator = Coordinator(engine, ADA)
    coordinator._duties = [Away(), pytest.fail]

    with pytest.raises(OperationalError):
        coordinator.tick()
