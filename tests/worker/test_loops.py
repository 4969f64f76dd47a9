"""A loop survives what its tick raises, and says why it waits."""

import logging

from django.db import OperationalError

from djtasks.worker import loops
from djtasks.worker.loops import Loop


def test_a_loop_goes_on_whatever_its_tick_raises(monkeypatch, caplog):
    monkeypatch.setattr(loops, "_LONGEST_PAUSE", 0.0)
    left: list[BaseException | None] = [ValueError(), SystemExit(1), KeyboardInterrupt(), None]

    def tick() -> float:
        error = left.pop(0)
        if error is None:
            loop.stop()
            return 0.0
        raise error

    loop = Loop("test", tick)
    loop.start()
    assert loop.join(30)

    assert left == []
    told = [record.getMessage() for record in caplog.records]
    assert told == 3 * ["Loop test failed and goes on"]


def test_each_reason_of_an_outage_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(loops, "_FIRST_PAUSE", 0.0)
    caplog.set_level(logging.WARNING)
    left = ["terminated", "refused", "read-only", "refused", "read-only", None, "refused", "over"]

    def tick() -> float:
        reason = left.pop(0)
        if reason == "over":
            loop.stop()
        elif reason is not None:
            raise OperationalError(reason)
        return 0.0

    loop = Loop("test", tick)
    loop.start()
    assert loop.join(30)

    told = [record.getMessage().rsplit("error=")[-1] for record in caplog.records]
    assert told == ["terminated", "refused", "read-only", "refused"]
