"""Pruning: what is old and final goes, a page at a time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F

from djtasks.engine import engine_of
from djtasks.models import TaskRecord
from djtasks.operations import prune, retry
from djtasks.protocol.states import FINAL, State
from tests.carriers import with_broker
from tests.operations.test_tasks import in_state, just_before

pytestmark = pytest.mark.django_db(databases="__all__")
DAY = timedelta(days=1)


def pruned(**options: Any) -> list[int]:
    return list(prune(engine_of("default"), **options))


def aged(state: State, age: timedelta) -> UUID:
    id_ = in_state(state)
    TaskRecord.objects.filter(pk=id_).update(finished_at=F("finished_at") - age)
    return id_


def left() -> set[UUID]:
    return set(TaskRecord.objects.values_list("pk", flat=True))


def test_each_state_is_kept_for_its_time(database: str) -> None:
    kept = {aged(State.FAILED, 29 * DAY), *(aged(state, 6 * DAY) for state in sorted(FINAL))}
    for state in sorted(FINAL):
        aged(state, 31 * DAY)

    assert sum(pruned()) == 4
    assert left() == kept


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_what_is_live_is_never_pruned(database: str, state: State) -> None:
    id_ = in_state(state)
    TaskRecord.objects.update(enqueued_at=F("enqueued_at") - 999 * DAY)

    assert pruned(older_than=timedelta(0)) == []
    assert left() == {id_}


def test_what_is_kept_for_ever_stays(database: str) -> None:
    with with_broker(retention=None):
        id_ = aged(State.SUCCESSFUL, 999 * DAY)

        assert pruned() == []
    assert left() == {id_}


@pytest.mark.parametrize("age", [timedelta(0), DAY])
def test_another_age_takes_the_place_of_every_retention(database: str, age: timedelta) -> None:
    with with_broker(retention={"failed": None}):
        kept = aged(State.FAILED, age - timedelta(minutes=5))
        aged(State.FAILED, age + timedelta(minutes=5))

        pruned(older_than=age)

    assert left() == {kept}


def test_pages_are_pruned_oldest_first(database: str) -> None:
    ids = [aged(State.SUCCESSFUL, days * DAY) for days in (60, 50, 40, 30, 20)]

    pages = prune(engine_of("default"), page=2)

    assert next(iter(pages)) == 2
    assert left() == set(ids[2:])
    assert list(pages) == [2, 1]


def test_other_aliases_are_left_alone(database: str) -> None:
    id_ = aged(State.SUCCESSFUL, 60 * DAY)
    TaskRecord.objects.update(backend="polled")

    assert pruned() == []
    assert left() == {id_}


@pytest.mark.parametrize("is_final_again", [False, True])
def test_a_record_revived_in_between_stays(database: str, is_final_again: bool) -> None:
    id_ = aged(State.FAILED, 60 * DAY)

    def revive() -> None:
        retry(engine_of("default"), [id_])
        if is_final_again:
            now = engine_of("default").store.now()
            TaskRecord.objects.update(state=State.FAILED, finished_at=now)

    with just_before("DELETE", database, revive):
        pruned()

    assert left() == {id_}
