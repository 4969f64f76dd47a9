"""A project's keys of the search: found by an index, or refused with a sentence."""

from typing import Any

import pytest
from django.test import Client

from djtasks.admin import SearchKey, TaskRecordAdmin
from djtasks.inspection import listing
from djtasks.models import BulkAction, TaskRecord
from tests.admin.extended import ShopTaskAdmin
from tests.admin.failing import HOUR
from tests.admin.shop_tasks import about, listed, url
from tests.shop.models import Order

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.urls("tests.admin.extended")]


def test_a_search_key_finds_by_its_index_however_many_tasks_there_are(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = about("Ada")
    for _ in range(3):
        about("Grace")
    monkeypatch.setattr(listing, "WINDOW", 1)

    answer = listed(admin, q="customer:Ada")

    assert [row.id for row in answer.context["page"].rows] == [old.pk]
    assert not answer.context["scope"].is_partial
    assert "customer:" in answer.context["suggestions"]


def test_a_search_key_may_find_nothing(admin: Client) -> None:
    about("Ada")

    answer = listed(admin, q="customer:Nobody")
    effects = admin.get(
        url("djtasks_bulk_new"), {"action": "discard", "all": 1, "q": "customer:Nobody"}
    )

    assert "No task matches" in answer.content.decode()
    assert answer.context["search"].problems == []
    assert "No task matches any more." in effects.content.decode()


@pytest.mark.parametrize(
    "select",
    [
        lambda _value, _known: {},
        lambda _value, _known: None,
        lambda _value, _known: {"nothing": 1},
        lambda _value, _known: {"target": object()},
        lambda _value, _known: {"task_path__regex": "("},
        lambda _value, _known: {"target": ["x" * 100_000]},
        lambda _value, _known: {"search": "everything"},
        lambda value, _known: {"priority": int(value)},
        lambda _value, _known: list(Order.objects.raw("SELECT nothing FROM nowhere")),
    ],
)
def test_a_search_key_that_fails_selects_nothing_and_says_so(
    admin: Client, monkeypatch: pytest.MonkeyPatch, select: Any
) -> None:
    about("Ada")
    keys = (*TaskRecordAdmin.search_keys, SearchKey("customer", select=select))
    monkeypatch.setattr(ShopTaskAdmin, "search_keys", keys)

    answer = listed(admin, q="customer:Ada queue:default")
    refused = admin.get(url("djtasks_bulk_new"), {"action": "discard", "all": 1, "q": "customer:A"})

    (problem,) = answer.context["search"].problems
    assert problem.message == "You cannot search for “Ada” with “customer:”."
    assert len(answer.context["page"].rows) == 1
    assert refused.status_code == 302


def test_a_search_key_selects_with_what_a_bulk_action_takes(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = about("Ada")
    keys = (
        *TaskRecordAdmin.search_keys,
        SearchKey("old", select=lambda _v, _k: {"pk__in": {mine.pk}, "waited__lt": HOUR}),
        SearchKey("customer", select=lambda _v, _k: {"any": [{"pk": mine.pk}]}),
    )
    monkeypatch.setattr(ShopTaskAdmin, "search_keys", keys)

    assert listed(admin, q="old:1").context["search"].problems == []
    assert [row.id for row in listed(admin, q="customer:1").context["page"].rows] == [mine.pk]


def test_a_bulk_action_of_ours_takes_a_search_by_a_projects_key(admin: Client) -> None:
    mine, other = about("Ada"), about("Grace")

    asked = {"action": "cancel", "all": "1", "q": "customer:Ada"}
    admin.post(url("djtasks_bulk_new"), asked)

    bulk = BulkAction.objects.get()
    assert (bulk.planned, bulk.selection["search"]) == (1, "customer:Ada")
    assert {mine.pk, other.pk} == set(TaskRecord.objects.filter(state=0, target__isnull=False)
                                      .values_list("pk", flat=True))  # fmt: skip
