"""What the code declares comes into the table, and what people changed stays, on every database."""

from datetime import timedelta

import pytest
from django.db import connections

from djtasks.engine import engine_of
from djtasks.models import Schedule
from djtasks.operations import schedules as operations
from djtasks.scheduler.overrides import overrides_of
from djtasks.scheduler.sync import keep_declared, sync
from djtasks.schedules import CatchUp, Every, Once
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from tests.scheduler.making import HOUR, MINUTE, NOON, again, change, schedule
from tests.tasks import add, explode

pytestmark = pytest.mark.django_db(databases="__all__")
SECOND = timedelta(seconds=1)
DAILY = Every(24 * HOUR, anchor=NOON)


@pytest.fixture(autouse=True)
def code(monkeypatch):
    """Nothing is declared; returns what makes it so again."""

    def forget():
        monkeypatch.setattr(declarations, "_declarations", [])

    forget()
    return forget


@pytest.fixture
def engine(database):
    return engine_of("default")


def synced(engine, now=NOON):
    sync(engine, lambda: now)


def kept(engine, now):
    keep_declared(engine, lambda: now)


def rows(engine):
    return {row.name: row for row in Schedule.objects.using(engine.database)}


def declare_sums(**changes):
    periodic(**{"rule": DAILY, "args": (1, 2), "name": "sums", **changes})(add)


def test_a_declaration_becomes_a_row_that_is_counted_from_now(engine):
    declare_sums(missed=CatchUp(3), overlap="skip", jitter=MINUTE, starts_at=NOON + 30 * HOUR)

    synced(engine)

    [row] = rows(engine).values()
    assert (row.name, row.backend, row.task_path) == ("sums", "default", "tests.tasks.add")
    assert (row.rule, row.args, row.kwargs) == (DAILY.as_dict(), [1, 2], {})
    assert (row.missed, row.overlap, row.jitter) == (CatchUp(3).as_dict(), "skip", MINUTE)
    assert row.starts_at == NOON + 30 * HOUR
    assert row.next_run_at == NOON + 48 * HOUR
    assert overrides_of(row) == {}


def test_a_second_sync_reads_once_and_writes_nothing(engine, django_assert_num_queries):
    declare_sums()
    synced(engine)
    before = rows(engine)["sums"].changed_at

    with django_assert_num_queries(1, connection=connections[engine.database]):
        synced(engine, NOON + HOUR)

    assert rows(engine)["sums"].changed_at == before


def test_other_arguments_leave_the_next_run_alone_and_another_rule_counts_from_now(engine, code):
    declare_sums()
    synced(engine)
    change(rows(engine)["sums"], next_run_at=NOON - HOUR, last_due_at=NOON - 25 * HOUR)
    code()
    declare_sums(args=(3, 4))
    synced(engine)
    kept = rows(engine)["sums"]
    code()
    declare_sums(args=(3, 4), rule=Every(HOUR, anchor=NOON))

    synced(engine)

    assert (kept.args, kept.next_run_at) == ([3, 4], NOON - HOUR)
    changed = rows(engine)["sums"]
    assert (changed.next_run_at, changed.last_due_at) == (NOON + HOUR, NOON - 25 * HOUR)


def test_an_override_survives_a_deploy_and_is_shown(engine, code):
    declare_sums()
    synced(engine)
    change(rows(engine)["sums"], rule=Every(MINUTE, anchor=NOON).as_dict(), overlap="skip")
    code()
    declare_sums(rule=Every(HOUR, anchor=NOON), jitter=MINUTE)

    synced(engine)

    row = rows(engine)["sums"]
    assert row.rule == Every(MINUTE, anchor=NOON).as_dict()
    assert (row.overlap, row.jitter) == ("skip", MINUTE)
    assert overrides_of(row) == {"rule": Every(HOUR, anchor=NOON).as_dict(), "overlap": "allow"}
    operations.revert(engine, row.pk)
    assert overrides_of(again(row)) == {}


def test_what_nobody_declares_for_a_minute_stops_and_stays(engine, code):
    declare_sums()
    synced(engine)
    made_by_hand = schedule("by hand")
    code()

    synced(engine)
    kept(engine, NOON + MINUTE)
    assert not rows(engine)["sums"].removed
    kept(engine, NOON + MINUTE + SECOND)
    kept(engine, NOON + HOUR)

    row = rows(engine)["sums"]
    assert (row.removed, row.next_run_at, row.is_enabled) == (True, None, True)
    assert not again(made_by_hand).removed


def test_what_is_declared_again_starts_from_now(engine, code):
    declare_sums()
    synced(engine)
    code()
    kept(engine, NOON + 2 * MINUTE)
    assert rows(engine)["sums"].removed
    declare_sums(args=(3, 4))

    synced(engine, NOON + 50 * HOUR)

    row = rows(engine)["sums"]
    assert (row.removed, row.args, row.next_run_at) == (False, [3, 4], NOON + 72 * HOUR)


def test_two_services_with_different_apps_keep_each_others_schedules(engine, code):
    for minute in range(5):
        for name in ("reports", "bills"):
            code()
            declare_sums(name=name)
            if minute == 0:
                synced(engine)
            kept(engine, NOON + minute * MINUTE)

    assert {name: row.removed for name, row in rows(engine).items()} == {
        "reports": False,
        "bills": False,
    }


def test_what_another_scheduler_removed_continues_from_now_while_somebody_declares_it(engine):
    declare_sums()
    synced(engine)
    change(rows(engine)["sums"], removed=True, next_run_at=None)

    kept(engine, NOON + 50 * HOUR)

    row = rows(engine)["sums"]
    assert (row.removed, row.next_run_at) == (False, NOON + 72 * HOUR)


def test_two_versions_of_the_code_do_not_take_turns_in_storing_their_rules(engine, code):
    declare_sums()
    declare_sums(name="other")
    synced(engine)
    code()
    declare_sums(rule=Every(HOUR, anchor=NOON))
    synced(engine)
    change(rows(engine)["other"], removed=True)
    code()
    declare_sums()
    declare_sums(name="other")

    kept(engine, NOON + MINUTE)

    assert not rows(engine)["other"].removed
    assert rows(engine)["sums"].rule == Every(HOUR, anchor=NOON).as_dict()


def test_what_an_older_version_declared_gets_a_minute_too(engine, code):
    declare_sums()
    synced(engine)
    change(rows(engine)["sums"], declared_at=None)
    code()

    kept(engine, NOON + HOUR)
    assert not rows(engine)["sums"].removed
    kept(engine, NOON + HOUR + MINUTE + SECOND)

    assert rows(engine)["sums"].removed


def test_schedulers_with_the_same_code_write_once(engine, django_assert_num_queries):
    declare_sums()
    synced(engine)
    kept(engine, NOON + MINUTE)

    with django_assert_num_queries(1, connection=connections[engine.database]):
        kept(engine, NOON + MINUTE + 10 * SECOND)

    assert rows(engine)["sums"].declared_at == NOON + MINUTE


def test_a_paused_schedule_stays_paused_whatever_the_code_does(engine, code):
    declare_sums()
    synced(engine)
    operations.pause(engine, rows(engine)["sums"].pk, by="Ada")
    code()
    declare_sums(rule=Every(HOUR))

    synced(engine)

    row = rows(engine)["sums"]
    assert (row.is_enabled, row.next_run_at, row.rule) == (False, None, Every(HOUR).as_dict())


def test_a_new_rule_mends_a_broken_row(engine, code):
    declare_sums()
    synced(engine)
    change(rows(engine)["sums"], broken="It is.", next_run_at=NOON - HOUR)
    code()
    declare_sums(rule=Every(HOUR, anchor=NOON))

    synced(engine)

    assert (rows(engine)["sums"].broken, rows(engine)["sums"].next_run_at) == ("", NOON + HOUR)


def test_code_that_takes_the_name_of_a_schedule_made_by_hand_finds_overrides(engine):
    row = schedule("sums", args=[5, 6])
    declare_sums()

    synced(engine)

    taken = again(row)
    assert (taken.args, taken.next_run_at) == ([5, 6], NOON)
    assert overrides_of(taken) == {"rule": DAILY.as_dict(), "args": [1, 2]}


def test_another_alias_keeps_its_schedules(engine):
    other = schedule("elsewhere", backend="polled", declared={})

    synced(engine)

    assert not again(other).removed


def test_what_fires_once_and_is_over_never_fires(engine):
    periodic(Once(NOON - timedelta(days=1)), name="launch")(explode)

    synced(engine)

    assert rows(engine)["launch"].next_run_at is None


def test_two_names_that_the_database_takes_for_one_are_told(engine, caplog):
    if connections[engine.database].vendor != "mysql":
        pytest.skip("only MySQL and MariaDB ignore case")
    declare_sums()
    declare_sums(name="SUMS")

    synced(engine)

    assert "Schedule has the name of another one" in caplog.text
