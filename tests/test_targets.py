"""The object that a task is about."""

from uuid import UUID

import pytest

from djtasks.compat import InvalidTask
from djtasks.models import TaskRecord
from djtasks.targets import target_of
from tests.models import Parcel, Row
from tests.tasks import add, only_once

everywhere = pytest.mark.django_db(databases="__all__")


@everywhere
def test_a_record_names_its_target(database: str) -> None:
    row = Row(pk=7, name="x")

    result = add.using(target=row).enqueue(1, 2)
    unique = only_once.using(target=row).enqueue("a")
    add.using(target=row).enqueue_many([(1, 2), (3, 4)])
    add.enqueue(1, 2)

    about = TaskRecord.objects.using(database).filter(target="tests.row:7")
    assert about.count() == 4
    assert {UUID(result.id), UUID(unique.id)} <= set(about.values_list("pk", flat=True))


def test_other_options_keep_the_target() -> None:
    assert add.using(target=Row(pk=7)).using(priority=5).target == "tests.row:7"


def test_any_kind_of_key_can_be_one() -> None:
    parcel = Parcel()

    assert target_of(parcel) == f"tests.parcel:{parcel.pk}"


@pytest.mark.parametrize("value", [Row(name="unsaved"), 7, object()])
def test_what_is_no_saved_instance_is_refused(value: object) -> None:
    with pytest.raises(InvalidTask, match="'target' must be a saved model instance"):
        add.using(target=value)
