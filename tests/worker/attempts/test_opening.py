"""Encrypted arguments from enqueue to the call: only the function gets them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from djtasks import task
from djtasks.engine import engine_of, forget_engines
from djtasks.formats.encryption import new_key
from djtasks.formats.sealing import sealed
from djtasks.inspection import why_not_running
from djtasks.inspection.diagnosis.why import facts_for_why
from djtasks.models import TaskRecord
from djtasks.operations import retry
from djtasks.protocol.states import State
from djtasks.signals import task_retrying
from djtasks.testing import run_due
from tests.settings import ENCRYPTION_KEYS

pytestmark = pytest.mark.django_db(databases="__all__")

CARD = "4111-1111"
got: list[Any] = []
told: list[Any] = []


@task(encrypted="card", max_attempts=2, backoff=lambda _error, _result: 0)
def pay(amount: int, card: Any, note: str = "") -> int:
    got.append((amount, card, note))
    if note == "fails":
        raise ValueError("The card was declined.")
    return amount


@task(encrypted="card")
async def pay_later(card: str) -> None:
    got.append(card)


@task(encrypted="card", takes_context=True)
def look(context: Any, card: str) -> None:
    told.append((context.task_result.args, card))


@pytest.fixture(autouse=True)
def nothing_yet() -> None:
    got.clear()
    told.clear()


@contextmanager
def with_keys(*keys: str) -> Iterator[None]:
    tasks = deepcopy(settings.TASKS)
    tasks["default"]["OPTIONS"]["encryption_keys"] = list(keys)
    with override_settings(TASKS=tasks):
        yield
    forget_engines()


def only_row(database: str) -> TaskRecord:
    return TaskRecord.objects.using(database).get()


def whole(row: TaskRecord) -> str:
    return str({field.name: getattr(row, field.name) for field in row._meta.fields})


def test_the_function_gets_what_the_row_does_not_tell(database: str) -> None:
    pay.enqueue(5, {"number": CARD, "codes": [1, None]}, note="x")
    pay_later.enqueue(card=CARD)

    assert CARD not in "".join(map(whole, TaskRecord.objects.using(database)))
    results = run_due()

    assert got == [(5, {"number": CARD, "codes": [1, None]}, "x"), CARD]
    assert [result.status for result in results] == ["SUCCESSFUL", "SUCCESSFUL"]
    assert CARD not in "".join(map(whole, TaskRecord.objects.using(database)))


def test_many_are_encrypted_like_one(database: str) -> None:
    pay.enqueue_many([(1, CARD), {"amount": 2, "card": CARD}])

    assert CARD not in "".join(map(whole, TaskRecord.objects.using(database)))
    run_due()
    assert sorted(got) == [(1, CARD, ""), (2, CARD, "")]


def test_results_show_a_placeholder_to_everybody_else(engine: Any) -> None:
    made = pay.enqueue(5, CARD)
    look.enqueue(CARD)
    run_due()
    made.refresh()

    found = pay.get_result(made.id)
    assert list(made.args) == list(found.args) == [5, "[encrypted]"]
    assert CARD not in repr(made) + repr(found)
    assert told == [(["[encrypted]"], CARD)]


def test_attempts_and_a_revived_task_get_the_same_values(database: str) -> None:
    made = pay.enqueue(5, CARD, note="fails")

    assert [r.status for r in run_due()] == ["READY", "FAILED"]
    assert CARD not in whole(only_row(database))
    assert len(retry(engine_of("default"), [made.id]).changed) == 1
    run_due()

    assert got == [(5, CARD, "fails")] * 4


def test_what_the_record_says_counts_whatever_the_code_says_today(database: str) -> None:
    """A record from before the option runs as it is."""
    pay.enqueue(5, CARD)
    plain = TaskRecord.objects.using(database).get()
    plain.pk, plain.args, plain.kwargs = None, [6, "plain"], {}
    plain.id = type(plain)._meta.get_field("id").get_default()
    plain.save(using=database, force_insert=True)

    run_due()

    assert sorted(got) == [(5, CARD, ""), (6, "plain", "")]


def test_a_worker_without_the_key_gives_the_task_back_for_ever(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = pay.enqueue(5, CARD)
    with with_keys(new_key()):
        for _ in range(3):
            run_due(advance=timedelta(minutes=50))
        engine = engine_of("default")
        row = only_row(database)
        reasons = why_not_running(facts_for_why(engine, row.pk))

    assert got == []
    assert (row.state, row.attempt, len(row.errors)) == (State.READY, 0, 1)
    assert row.errors[0]["class"] == "djtasks.errors.MissingKey"
    assert "none of OPTIONS['encryption_keys'] decrypts them" in row.errors[0]["message"]
    assert "missing_key" in [reason.kind for reason in reasons if reason.holds]
    assert "Task waits for a key" in caplog.text

    (result,) = run_due(advance=timedelta(minutes=1))
    assert (result.id, result.status, got) == (made.id, "SUCCESSFUL", [(5, CARD, "")])


def test_a_worker_without_any_key_does_so_too(database: str) -> None:
    pay.enqueue(5, CARD)
    with with_keys():
        run_due()

    assert "'encryption_keys'] is empty" in only_row(database).errors[0]["message"]


def test_a_key_is_retired_by_putting_a_new_one_before_it(database: str) -> None:
    pay.enqueue(1, CARD)
    with with_keys(new := new_key(), *ENCRYPTION_KEYS):
        pay.enqueue(2, CARD)
        run_due()
    with with_keys(new):
        pay.enqueue(3, CARD)
        run_due()

    assert [amount for amount, _card, _note in got] == [1, 2, 3]


def test_a_token_in_the_record_of_another_task_is_not_decrypted(database: str) -> None:
    look.enqueue(CARD)
    TaskRecord.objects.using(database).update(task_path=pay_later.module_path)

    run_due()

    assert got == []
    assert "encrypted for another task" in only_row(database).errors[0]["message"]


def test_no_line_of_the_log_and_no_signal_tells_a_value(
    engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def listen(task_result: Any, **_more: Any) -> None:
        told.append(repr(task_result))

    task_retrying.connect(listen)
    try:
        with caplog.at_level(logging.DEBUG):
            pay.enqueue(5, CARD, note="fails")
            run_due()
    finally:
        task_retrying.disconnect(listen)

    assert len(told) == 1
    assert CARD not in caplog.text + told[0]


@task(encrypted="until")
def renew(until: date, note: str = "") -> None:
    got.append(until)
    if note == "fails":
        raise TypeError("The project's own.")


def test_typed_arguments_are_encrypted_in_their_json_form(database: str) -> None:
    renew.enqueue(date(2026, 1, 2))
    run_due()

    assert got == [date(2026, 1, 2)]


def test_a_failure_of_the_function_is_no_misfit_of_what_is_masked(database: str) -> None:
    renew.enqueue(date(2026, 1, 2), note="fails")

    assert [result.status for result in run_due()] == ["FAILED"]


def test_a_misfit_does_not_tell_the_value(database: str) -> None:
    renew.enqueue(date(2026, 1, 2))
    row = only_row(database)
    cipher = engine_of("default").cipher
    args, kwargs = sealed(row.task_path, ([CARD], {}), [0], cipher.encrypt)
    TaskRecord.objects.using(database).update(args=args, kwargs=kwargs)

    run_due()

    (error,) = only_row(database).errors
    assert "do not fit the annotations of this code" in error["message"]
    assert CARD not in str(error)
