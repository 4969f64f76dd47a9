"""Rotating keys: what is stored is encrypted with the first key, beside whatever runs."""

from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import override_settings

from djtasks import task
from djtasks.engine import Engine, engine_of
from djtasks.enqueueing.encrypting import opened_call
from djtasks.formats.encryption import Cipher, new_key
from djtasks.formats.ids import new_id
from djtasks.models import Schedule, TaskRecord
from djtasks.operations import Rotation, rotate_keys
from djtasks.operations import rotation as rotating
from djtasks.scheduler.sync import sync
from djtasks.schedules import Every
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from djtasks.store import open_store
from djtasks.testing import run_due
from tests.scheduler.making import HOUR, NOON
from tests.settings import ENCRYPTION_KEYS
from tests.tasks import add
from tests.worker.making import claim_all

pytestmark = pytest.mark.django_db(databases="__all__")
NEW = new_key()
got: list[Any] = []


@task(encrypted="card")
def pay(amount: int, card: str, note: str = "") -> None:
    got.append((amount, card))


def with_keys(*keys: str) -> Any:
    tasks = deepcopy(settings.TASKS)
    tasks["default"]["OPTIONS"]["encryption_keys"] = list(keys)
    return override_settings(TASKS=tasks)


@pytest.fixture
def engine(database: str) -> Any:
    """An engine with a new key before the one that has encrypted what is stored."""
    got.clear()
    for amount in (1, 2, 3):
        pay.enqueue(amount, "4111", note="é")
    add.enqueue(1, 2)
    with with_keys(NEW, *ENCRYPTION_KEYS):
        yield engine_of("default")


def rotated(engine: Engine, **options: Any) -> Rotation:
    *_, last = rotate_keys(engine, **options)
    return last


def readable(engine: Engine) -> list[UUID]:
    """Return the records that the new key alone decrypts."""
    cipher, found = Cipher([NEW]), []
    for row in TaskRecord.objects.using(engine.database).filter(task_path=pay.module_path):
        try:
            assert opened_call(row.task_path, row.args, row.kwargs, cipher)[0][1] == "4111"
        except LookupError:
            continue
        found.append(row.pk)
    return found


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_every_record_is_encrypted_with_the_first_key_once(engine: Engine, page: int) -> None:
    first = rotated(engine, page=page)
    stored = list(TaskRecord.objects.using(engine.database).values_list("kwargs", flat=True))
    second = rotated(engine, page=page)

    assert (first.looked_at, first.rotated, first.current, first.unreadable) == (4, 3, 0, 0)
    assert (second.rotated, second.current) == (0, 3)
    assert len(readable(engine)) == 3
    assert stored == list(
        TaskRecord.objects.using(engine.database).values_list("kwargs", flat=True)
    )


def test_with_the_old_key_gone_the_tasks_still_run(engine: Engine) -> None:
    rotated(engine)
    with with_keys(NEW):
        run_due()

    assert sorted(got) == [(1, "4111"), (2, "4111"), (3, "4111")]


def test_finished_and_running_records_are_rotated_and_keep_their_worker(engine: Engine) -> None:
    run_due()
    pay.enqueue(4, "4111")
    TaskRecord.objects.using(engine.database).exclude(state=0).update(kwargs=_old_token())
    pay.enqueue(5, "4111")
    worker = new_id()
    (running, *_more) = [c for c in claim_all(worker) if c.task_path == pay.module_path]

    rotated(engine)

    row = TaskRecord.objects.using(engine.database).get(pk=running.id)
    assert (row.worker, row.fence) == (worker, running.fence)
    assert open_store("default").owned_by(worker)


def _old_token() -> Any:
    old = Cipher(ENCRYPTION_KEYS)
    return [{}, {"encrypted": [1], "token": old.encrypt(f'["{pay.module_path}",[[1,"4111"]]]')}]


def test_a_record_that_changes_meanwhile_is_left_alone(engine: Engine, monkeypatch: Any) -> None:
    """Another rotation was faster; the row is gone, or has another token."""
    rows = TaskRecord.objects.using(engine.database).filter(task_path=pay.module_path)
    first, second, _third = rows.order_by("pk")
    before = rotating._Rotator.rotated

    def interfering(self: Any, kwargs: Any) -> Any:
        rows.filter(pk=first.pk).delete()
        rows.filter(pk=second.pk).update(kwargs=[{}, {"encrypted": [], "token": "theirs"}])
        return before(self, kwargs)

    monkeypatch.setattr(rotating._Rotator, "rotated", interfering)
    last = rotated(engine)

    assert last.rotated == 1
    assert rows.get(pk=second.pk).kwargs[1]["token"] == "theirs"
    assert not rows.filter(pk=first.pk).exists()


def test_what_no_key_decrypts_stays_and_is_counted(engine: Engine) -> None:
    with with_keys(NEW):
        last = rotated(engine_of("default"))

    assert (last.rotated, last.unreadable) == (0, 3)
    with with_keys(*ENCRYPTION_KEYS):
        run_due()
    assert len(got) == 3


def test_schedules_are_rotated_and_stay_in_step_with_the_code(
    engine: Engine, monkeypatch: Any
) -> None:
    monkeypatch.setattr(declarations, "_declarations", [])
    periodic(Every(HOUR), kwargs={"amount": 1, "card": "4111"}, name="fees")(pay)
    with with_keys(*ENCRYPTION_KEYS):
        sync(engine_of("default"), lambda: NOON)
    rows = Schedule.objects.using(engine.database)

    assert rotated(engine).rotated == 4
    row = rows.get()
    with with_keys(NEW):
        sync(engine_of("default"), lambda: NOON + HOUR)

    assert row.kwargs == row.declared["kwargs"] == rows.get().kwargs
    assert opened_call(row.task_path, row.args, row.kwargs, Cipher([NEW]))[1]["card"] == "4111"
    assert rotated(engine).current == 4


def test_a_users_own_argument_that_looks_like_a_seal_is_left_alone(engine: Engine) -> None:
    made = add.enqueue(1, 2)
    lookalike = {"1": {"token": "x", "encrypted": []}}
    TaskRecord.objects.using(engine.database).filter(pk=made.id).update(kwargs=lookalike)

    assert rotated(engine).unreadable == 0
    assert TaskRecord.objects.using(engine.database).get(pk=made.id).kwargs == lookalike
