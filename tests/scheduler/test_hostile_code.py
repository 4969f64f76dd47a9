"""Code of the project that ends a thread, where it should return or raise, ends no schedule."""

import dataclasses

import pytest

from djtasks.definitions import registry
from djtasks.engine import engine_of
from tests import tasks
from tests.scheduler.making import NOON, again, dues, schedule, tick

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def engine(database):
    return engine_of("default")


@pytest.fixture
def with_key_function(monkeypatch):
    """Let `only_once` compute its key with this function."""

    def use(function):
        task = dataclasses.replace(tasks.only_once, unique=function)
        monkeypatch.setitem(registry._tasks, task.module_path, task)
        return task.module_path

    return use


def raising(error):
    def function(*_args):
        raise error

    return function


class Mute(BaseException):
    """An error like that of asyncio, which has no text."""

    def __str__(self):
        raise SystemExit(4)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(SystemExit(3), "SystemExit: 3"), (Mute(), "Mute: <its __str__ raised SystemExit>")],
)
def test_a_key_function_that_leaves_breaks_that_schedule_alone(
    engine, with_key_function, error, reason
):
    path = with_key_function(raising(error))
    bad, good = schedule("bad", task_path=path, args=["a"]), schedule("good")

    tick(engine, NOON)

    assert again(bad).broken == reason
    assert dues(good) == [NOON]


def test_an_insert_that_leaves_breaks_that_schedule_alone(engine, monkeypatch):
    bad, good = schedule("bad", args=[6, 6]), schedule("good")
    insert_many = type(engine.store).insert_many

    def refuse_sixes(self, records):
        if any(record.args == "[6,6]" for record in records):
            raise SystemExit(6)
        return insert_many(self, records)

    monkeypatch.setattr(type(engine.store), "insert_many", refuse_sixes)

    tick(engine, NOON)

    assert again(bad).broken == "SystemExit: 6"
    assert dues(good) == [NOON]


def test_a_broker_that_leaves_breaks_no_schedule(engine, monkeypatch, caplog):
    row = schedule()
    monkeypatch.setattr(engine.outbox, "publish", raising(SystemExit(7)))

    assert tick(engine, NOON) == 1

    assert dues(row) == [NOON]
    assert again(row).broken == ""
    assert "Hints not pushed" in caplog.text


def test_ctrl_c_ends_a_tick(engine, with_key_function):
    row = schedule(task_path=with_key_function(raising(KeyboardInterrupt())), args=["a"])

    with pytest.raises(KeyboardInterrupt):
        tick(engine, NOON)

    assert again(row).broken == ""
