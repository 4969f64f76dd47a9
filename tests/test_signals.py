"""Tasks tied to the signals of a model."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core import serializers
from django.db import transaction
from django.db.models.signals import (
    ModelSignal,
    m2m_changed,
    post_delete,
    post_save,
    pre_save,
)

from djtasks import enqueue_on, signals
from djtasks.engine import Engine, engine_of
from djtasks.errors import InvalidArguments
from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.carriers import with_broker
from tests.models import Parcel, Row
from tests.plain_tasks import echo as plain_echo
from tests.tasks import add, only_once

ALL = (post_save, pre_save, post_delete, m2m_changed)


@pytest.fixture(autouse=True)
def own_ties(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Untie after a test what it tied."""
    monkeypatch.setattr(signals, "_ties", set())
    before = {signal: list(signal.receivers) for signal in ALL}
    yield
    for signal, receivers in before.items():
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def arguments() -> list[Any]:
    return [row.args for row in TaskRecord.objects.order_by("pk")]


echo = only_once.using(unique=False)


def test_a_saved_row_enqueues_the_task_with_its_primary_key(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)

    first = Row.objects.create(name="first")
    second = Row.objects.create(name="second")

    assert arguments() == [[first.pk], [second.pk]]


def test_a_primary_key_that_json_does_not_know_travels_as_text(engine: Engine) -> None:
    enqueue_on(post_save, sender=Parcel, task=echo)

    parcel = Parcel.objects.create()

    assert arguments() == [[str(parcel.pk)]]
    assert Parcel.objects.get(pk=arguments()[0][0]) == parcel


@pytest.mark.parametrize("signal", [post_save, pre_save, post_delete])
def test_every_signal_of_a_model_can_be_tied(engine: Engine, signal: ModelSignal) -> None:
    row = Row.objects.create(name="there")
    pk = row.pk
    enqueue_on(signal, sender=Row, task=echo)

    if signal is post_delete:
        row.delete()
    else:
        row.save()

    assert arguments() == [[pk]]


def test_a_change_of_a_relation_can_be_tied(engine: Engine) -> None:
    enqueue_on(
        m2m_changed,
        sender=Parcel.rows.through,
        task=echo,
        when=lambda instance, action, **_: action == "post_add",
    )
    parcel, row = Parcel.objects.create(), Row.objects.create(name="inside")

    parcel.rows.add(row)
    parcel.rows.remove(row)

    assert arguments() == [[str(parcel.pk)]]


def test_the_arguments_can_be_chosen(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=add, args=lambda row: (row.pk, len(row.name)))

    row = Row.objects.create(name="four")
    (result,) = run_due()

    assert arguments() == [[row.pk, 4]]
    assert result.return_value == row.pk + 4


def test_a_condition_sees_what_the_signal_says(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo, when=lambda row, created, **_: created)
    seen = []
    enqueue_on(post_save, sender=Row, task=add, when=lambda row, **said: bool(seen.append(said)))

    row = Row.objects.create(name="new")
    row.save(update_fields=["name"])

    assert arguments() == [[row.pk]]
    assert [said["created"] for said in seen] == [True, False]
    assert seen[1]["update_fields"] == {"name"}
    assert seen[1]["sender"] is Row


def test_fixtures_enqueue_nothing(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)
    text = '[{"model": "tests.row", "pk": 7, "fields": {"name": "loaded"}}]'

    for row in serializers.deserialize("json", text):
        row.save()

    assert Row.objects.get().name == "loaded"
    assert arguments() == []


def test_other_models_enqueue_nothing(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)

    Parcel.objects.create()

    assert arguments() == []


def test_what_sends_no_signal_enqueues_nothing(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)

    Row.objects.bulk_create([Row(name="bulk")])
    Row.objects.update(name="updated")

    assert arguments() == []


def test_tying_twice_ties_once(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)
    enqueue_on(post_save, sender=Row, task=echo)

    Row.objects.create(name="new")

    assert len(arguments()) == 1


def test_one_row_may_enqueue_several_tasks(engine: Engine) -> None:
    enqueue_on(post_save, sender=Row, task=echo)
    enqueue_on(post_save, sender=Row, task=plain_echo)

    Row.objects.create(name="new")

    assert set(TaskRecord.objects.values_list("task_path", "queue")) == {
        ("tests.tasks.only_once", "default"),
        ("tests.plain_tasks.echo", "mail"),
    }


@pytest.mark.django_db(transaction=True)
def test_the_task_lives_and_dies_with_the_row() -> None:
    enqueue_on(post_save, sender=Row, task=echo)

    with suppress(RuntimeError), transaction.atomic():
        Row.objects.create(name="lost")
        raise RuntimeError
    with transaction.atomic():
        kept = Row.objects.create(name="kept")

    assert arguments() == [[kept.pk]]


@pytest.mark.django_db(transaction=True)
def test_rows_with_a_savepoint_each_do_not_make_a_push_each() -> None:
    enqueue_on(post_save, sender=Row, task=echo)

    with with_broker():
        broker: Any = engine_of("default").broker
        with transaction.atomic():
            for number in range(20):
                Row.objects.update_or_create(name=str(number))

    assert sum(len(hints) for hints in broker.pushes) == 20
    assert len(broker.pushes) == 2


@pytest.mark.django_db(transaction=True)
def test_a_task_that_cannot_be_enqueued_stops_the_save() -> None:
    enqueue_on(post_save, sender=Row, task=echo, args=lambda row: (object(),))

    with pytest.raises(InvalidArguments), transaction.atomic():
        Row.objects.create(name="new")

    assert not Row.objects.exists()


def test_ties_are_known_to_the_checks() -> None:
    enqueue_on(post_save, sender=Row, task=echo)
    enqueue_on(post_delete, sender=Row, task=add.using(backend="polled"))

    assert signals.ties() == {
        (Row, "tests.tasks.only_once", "default"),
        (Row, "tests.tasks.add", "polled"),
    }
