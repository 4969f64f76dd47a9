"""Schedules of tasks with encrypted arguments hold these encrypted, on every database."""

from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from djtasks import task
from djtasks.compat import InvalidTask
from djtasks.engine import Engine, engine_of
from djtasks.errors import MissingKey
from djtasks.formats.encryption import new_key
from djtasks.formats.sealing import is_sealed
from djtasks.inspection.preflight.schedules import check_schedules
from djtasks.inspection.preflight.troubles import Troubles
from djtasks.models import Schedule, TaskRecord
from djtasks.operations import ScheduleDraft, run_now, save_schedule
from djtasks.scheduler.overrides import overrides_of
from djtasks.scheduler.sync import sync
from djtasks.scheduler.templates import record_of
from djtasks.scheduler.ticker import Ticker
from djtasks.schedules import Every
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from djtasks.testing import run_due
from tests.scheduler.making import HOUR, NOON
from tests.tasks import add

pytestmark = pytest.mark.django_db(databases="__all__")
SECRET = "sesame-4711"
HOURLY = Every(HOUR, anchor=NOON)
got: list[Any] = []


@task(encrypted="code")
def unlock(door: int, code: str = "") -> None:
    got.append((door, code))


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: Any) -> None:
    monkeypatch.setattr(declarations, "_declarations", [])
    got.clear()


@pytest.fixture
def engine(database: str) -> Engine:
    return engine_of("default")


def declare(code: str = SECRET, **more: Any) -> None:
    declarations._declarations.clear()
    periodic(HOURLY, args=(7,), kwargs={"code": code}, name="doors", **more)(unlock)


def synced(engine: Engine) -> Schedule:
    sync(engine, lambda: NOON)
    return Schedule.objects.using(engine.database).get(name="doors")


def draft(**changes: Any) -> ScheduleDraft:
    given = {
        "backend": "default", "name": "doors", "task_path": unlock.module_path,
        "rule": HOURLY.as_dict(), "args": [7], "kwargs": {"code": SECRET},
    }  # fmt: skip
    return ScheduleDraft(**given | changes)


def whole(row: Schedule) -> str:
    return str({field.name: getattr(row, field.name) for field in row._meta.fields})


def without_key() -> Any:
    tasks = deepcopy(settings.TASKS)
    tasks["default"]["OPTIONS"]["encryption_keys"] = [new_key()]
    return override_settings(TASKS=tasks)


def test_a_declared_schedule_is_stored_encrypted_and_runs_with_the_value(engine: Engine) -> None:
    declare()
    row = synced(engine)

    assert SECRET not in whole(row)
    Ticker(engine).tick(NOON + HOUR)
    run_due()

    assert got == [(7, SECRET)]
    assert SECRET not in str(TaskRecord.objects.using(engine.database).get().kwargs)


def test_a_declaration_that_says_the_same_changes_nothing(engine: Engine) -> None:
    declare()
    before = whole(synced(engine))

    assert whole(synced(engine)) == before


def test_preflight_sees_no_change_and_no_trouble_in_what_says_the_same(engine: Engine) -> None:
    declare()
    synced(engine)
    same, other = Troubles(), Troubles()

    check_schedules(engine, same)
    declare("other")
    check_schedules(engine, other)

    assert same._groups == {}
    assert [one.kind for one in other._groups.values()] == ["schedule-changed"]


def test_a_changed_value_is_stored_and_is_no_override(engine: Engine) -> None:
    declare()
    before = synced(engine)
    declare("other")
    after = synced(engine)

    assert before.kwargs != after.kwargs == after.declared["kwargs"]
    assert overrides_of(after) == {}
    assert record_of(engine, after).task_path == unlock.module_path


def test_a_declaration_from_before_is_encrypted_at_the_next_start(
    engine: Engine, monkeypatch: Any
) -> None:
    declare()
    with monkeypatch.context() as before:
        before.setattr("djtasks.scheduler.secrets.encrypted_places", lambda *_: [])
        assert SECRET in whole(synced(engine))

    assert SECRET not in whole(synced(engine))


def test_saving_by_hand_encrypts_and_keeps_what_says_the_same(engine: Engine) -> None:
    saved = save_schedule(engine, draft())
    again = save_schedule(engine, draft(overlap="skip"), schedule=saved.pk)
    changed = save_schedule(engine, draft(kwargs={"code": "x"}), schedule=saved.pk)

    assert is_sealed(saved.kwargs)
    assert SECRET not in whole(saved)
    assert saved.kwargs == again.kwargs != changed.kwargs
    run_now(engine, saved.pk, by="ada")
    run_due()
    assert got == [(7, "x")]


def test_a_schedule_of_another_task_gets_a_token_of_its_own(engine: Engine) -> None:
    saved = save_schedule(engine, draft())
    moved = save_schedule(
        engine, draft(task_path=add.module_path, args=[1, 2], kwargs={}), schedule=saved.pk
    )

    assert (moved.args, moved.kwargs) == ([1, 2], {})


def test_without_the_key_a_schedule_is_broken_with_a_reason_until_it_is_there(
    engine: Engine,
) -> None:
    declare()
    row = synced(engine)
    with without_key():
        Ticker(engine_of("default")).tick(NOON + HOUR)
        with pytest.raises(MissingKey, match="are encrypted"):
            run_now(engine_of("default"), row.pk, by="ada")
    row.refresh_from_db()

    assert "none of OPTIONS['encryption_keys'] decrypts them" in row.broken
    assert TaskRecord.objects.using(engine.database).count() == 0


def test_a_process_that_cannot_encrypt_stores_the_other_schedules(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    declare()
    periodic(HOURLY, args=(1, 2), name="sums")(add)
    tasks = deepcopy(settings.TASKS)
    del tasks["default"]["OPTIONS"]["encryption_keys"]
    with override_settings(TASKS=tasks):
        bare = engine_of("default")
        sync(bare, lambda: NOON)
        with pytest.raises(InvalidTask, match="has encrypted arguments"):
            save_schedule(bare, draft())

    assert list(Schedule.objects.using(engine.database).values_list("name")) == [("sums",)]
    assert "Schedule not stored name=doors" in caplog.text
