"""A project's actions: effects first, bounded, by permission, and no error breaks a page."""

from contextlib import suppress
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.test import Client

from djtasks.engine import Engine
from djtasks.models import BulkAction, TaskRecord
from djtasks.operations.bulk import here
from djtasks.protocol.states import State
from tests.admin.extended import ShopTaskAdmin
from tests.admin.opening import page as page_of_task
from tests.admin.shop_tasks import OUTSIDERS, about, listed, permitted, url

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.urls("tests.admin.extended")]


def begin(client: Client, q: str) -> Any:
    given = {"action": "postpone", "all": "1", "q": q}
    return client.post(url("djtasks_bulk_new"), given, follow=True)


def asked_by() -> list[Any]:
    return list(TaskRecord.objects.order_by("pk").values_list("metadata__asked_by", flat=True))


def test_an_action_tells_its_effects_and_is_done_to_all_that_match(admin: Client) -> None:
    about("Ada")
    about("Ada", state=State.CANCELLED, finished_at="2026-01-01T10:00Z")
    about("Ada", queue="mail")
    about("Grace")

    effects = admin.get(
        url("djtasks_bulk_new"), {"action": "postpone", "all": "1", "q": "customer:Ada"}
    ).content.decode()
    html = begin(admin, "customer:Ada").content.decode()

    assert "<b>2</b> tasks. The shop&#x27;s people look at it." in effects
    assert "<b>1</b> cancelled: left alone" in effects
    assert asked_by() == ["ada", None, None, None]
    bulk = BulkAction.objects.get()
    assert (bulk.planned, bulk.changed, bulk.refused, bulk.by) == (3, 1, 2, "ada")
    assert bulk.refusals == {here.OTHER_STATE: 1, here.LEFT_ALONE: 1}
    assert "Bulk action: Ask for a look" in html
    assert "1 task was changed." in html
    assert LogEntry.objects.get().get_change_message() == "postpone on 3 tasks: customer:Ada"


def test_an_action_that_raises_undoes_its_chunk_and_is_told(admin: Client) -> None:
    about("Ada")
    about("Ada", queue="reports")

    html = begin(admin, "customer:Ada").content.decode()

    assert "stopped with an error" in html
    assert asked_by() == [None, None]
    bulk = BulkAction.objects.get()
    assert (bulk.changed, bulk.refused, bulk.refusals) == (0, 2, {here.RAISED: 2})
    assert bulk.finished_at is not None


def test_an_action_is_done_to_no_more_than_a_request_can_do(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "MOST_HERE", 2)
    monkeypatch.setattr("djtasks.admin.bulk.views.MOST_HERE", 2)
    for _ in range(3):
        about("Ada")

    effects = admin.get(
        url("djtasks_bulk_new"), {"action": "postpone", "all": "1", "q": "customer:Ada"}
    ).content.decode()
    begin(admin, "customer:Ada")

    assert "The action takes at most 2 tasks at once" in effects
    assert 'btn--primary" disabled' in effects
    assert not BulkAction.objects.exists()
    assert asked_by() == [None] * 3


def test_an_action_is_done_in_chunks(
    engine: Engine, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "ROWS_A_CHUNK", 2)
    ids = [about("Ada").pk for _ in range(5)]
    seen = []
    change = here.Change(
        name="x", states={State.READY}, run=lambda some: (seen.append(list(some)), len(some))[1]
    )

    bulk = here.run_bulk_here(engine, change, {"pk": ids}, by="ada")

    assert seen == [ids[:2], ids[2:4], ids[4:]]
    assert (bulk.changed, bulk.refused) == (5, 0)


@pytest.mark.parametrize("answer", [None, "3", -1, 99])
def test_an_action_that_does_not_say_how_many_is_not_believed(engine: Engine, answer: Any) -> None:
    record = about("Ada")
    change = here.Change(name="x", states={State.READY}, run=lambda _ids: answer)

    bulk = here.run_bulk_here(engine, change, {"pk": record.pk}, by="ada")

    assert bulk.changed + bulk.refused == bulk.planned == 1


def test_an_action_is_a_button_on_the_page_of_a_task(admin: Client) -> None:
    record, other = about("Ada"), about("Ada", queue="reports")
    over = about("Ada", state=State.CANCELLED, finished_at="2026-01-01T10:00Z")

    assert "Ask for a look…" in admin.get(page_of_task(record.pk)).content.decode()
    assert "Ask for a look…" not in admin.get(page_of_task(over.pk)).content.decode()
    form = admin.get(page_of_task(record.pk, "postpone")).content.decode()
    assert "The shop&#x27;s people look at it." in form
    done = admin.post(page_of_task(record.pk, "postpone"), follow=True).content.decode()
    failed = admin.post(page_of_task(other.pk, "postpone"), follow=True).content.decode()
    refused = admin.post(page_of_task(over.pk, "postpone"), follow=True).content.decode()

    assert "Task add: Ask for a look" in done
    assert "nothing was done. The action raised an error" in failed
    assert "nothing was done. It is CANCELLED." in refused
    assert asked_by() == ["ada", None, None]


def test_an_action_takes_its_permission(admin: Client) -> None:
    record = about("Ada")
    bob = permitted(*OUTSIDERS)

    html = listed(bob).content.decode() + bob.get(page_of_task(record.pk)).content.decode()

    assert "Ask for a look" not in html
    assert begin(bob, "").status_code == 403
    assert bob.get(page_of_task(record.pk, "postpone")).status_code == 403
    assert bob.post(page_of_task(record.pk, "postpone")).status_code == 403
    assert asked_by() == [None]


def test_a_project_may_narrow_its_action_task_by_task(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = about("Ada")
    monkeypatch.setattr(
        ShopTaskAdmin, "has_task_permission", lambda _self, _request, verb, _row: verb != "postpone"
    )

    assert admin.post(page_of_task(record.pk, "postpone")).status_code == 403


def test_an_action_that_hides_a_database_error_has_done_nothing_and_says_so(
    engine: Engine,
) -> None:
    record = about("Ada")

    def run(ids: Any) -> int:
        count = TaskRecord.objects.filter(pk__in=ids).update(metadata={"asked_by": "ada"})
        with suppress(IntegrityError):
            TaskRecord(pk=ids[0], task_path="x").save(force_insert=True)
        return count

    change = here.Change(name="x", states={State.READY}, run=run)
    bulk = here.run_bulk_here(engine, change, {"pk": record.pk}, by="ada")

    record.refresh_from_db()
    assert (bulk.changed, record.metadata) == (0, None)
    assert list(bulk.refusals) == [here.RAISED]


def test_an_action_on_one_task_is_for_those_who_may_see_tasks() -> None:
    record = about("Ada")
    somebody = permitted("change_order")

    assert somebody.get(page_of_task(record.pk, "postpone")).status_code == 403
    assert somebody.post(page_of_task(record.pk, "postpone")).status_code == 403
