"""A project's columns of the list of tasks: none breaks a page or opens what was safe."""

import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from djtasks.admin import Column, TaskRecordAdmin
from djtasks.admin.tasks.columns import exported_value
from tests.admin.extended import ShopTaskAdmin
from tests.admin.hostile import PAYLOADS, holes
from tests.admin.shop_tasks import OUTSIDERS, about, cells, exported, listed, permitted, url
from tests.shop.models import Order

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.urls("tests.admin.extended")]


def test_a_column_stands_beside_ours_in_every_row(admin: Client) -> None:
    about("Ada")
    about("Grace")

    answer = listed(admin)

    assert [row["customer"] for row in cells(answer)] == ["Grace", "Ada"]
    html = answer.content.decode()
    assert '<th scope="col">Customer</th>' in html
    assert '<td data-label="Customer" class="djt-break">Ada</td>' in html


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_cell_is_escaped_unless_it_is_marked_safe(admin: Client, payload: str) -> None:
    about(payload[:100], metadata={"asked_by": payload}, kwargs={"x": payload})

    html = listed(admin).content.decode()

    assert holes(html) == []
    assert '/">see</a>' in html


def test_a_value_that_raises_is_a_dash_in_its_own_cell_alone(
    admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    about("Ada", priority=7, metadata={"asked_by": "ada"})
    about("Grace", metadata={"asked_by": "grace"})

    with caplog.at_level(logging.WARNING, logger="djtasks.admin"):
        first, second = cells(listed(admin))

    assert (first["raises"], first["note"]) == ("-0.14285714285714285", "grace")
    assert "—" in second["raises"]
    assert (second["note"], second["customer"]) == ("ada", "Ada")
    told = [record.getMessage() for record in caplog.records]
    assert told == ["Column failed column=raises", "Column failed column=careless"]


@pytest.mark.parametrize("value", ["x" * 20_000, ["x"] * 20_000, {"a": "x" * 20_000}])
def test_an_exported_value_is_cut(value: Any) -> None:
    found = exported_value(value)

    assert isinstance(found, str)
    assert len(found) == 10_000
    assert exported_value("x" * 9_000) == "x" * 9_000


class Rude:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    "column",
    [
        Column("rude", label="Rude", value=lambda _task: Rude(), exported=True),
        Column("half", label="Half", value=lambda _task: "\ud800<b>", exported=True),
        Column("nan", label="NaN", value=lambda _task: float("nan"), exported=True),
        Column("sql", label="SQL", exported=True,
               value=lambda _task: Order.objects.raw("SELECT nothing FROM nowhere")[0]),
        Column("ready", label="R", prepare=lambda _tasks: 1 / 0, value=lambda *_: 1, exported=True),
    ],
    ids=lambda column: column.name,
)  # fmt: skip
def test_no_value_breaks_a_page_or_an_export(
    admin: Client, monkeypatch: pytest.MonkeyPatch, column: Column
) -> None:
    about("Ada")
    monkeypatch.setattr(ShopTaskAdmin, "columns", (*ShopTaskAdmin.columns, column))

    answer = listed(admin)

    assert cells(answer)[0]["customer"] == "Ada"
    assert "<b>" not in answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    assert exported(admin)[0]["customer"] == "Ada"
    assert admin.get(url("djtasks_export")).getvalue()


def test_a_query_that_fails_costs_its_own_cell_alone(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test's own transaction stands for that of ATOMIC_REQUESTS."""
    for name in ("Ada", "Grace", "Joan"):
        about(name)

    def value(task: Any, count: int) -> Any:
        where = "nowhere" if task.pk == ids[1] else "shop_order"
        return count + len(Order.objects.raw(f"SELECT id FROM {where} WHERE id < 0"))

    ids = [row.id for row in listed(admin).context["page"].rows]
    column = Column(
        "counted",
        label="C",
        prepare=lambda _tasks: Order.objects.count(),
        value=value,
        exported=True,
    )
    monkeypatch.setattr(ShopTaskAdmin, "columns", (*ShopTaskAdmin.columns, column))

    first, second, third = cells(listed(admin))

    assert (first["counted"], third["counted"]) == ("3", "3")
    assert "—" in second["counted"]
    assert [row["counted"] for row in exported(admin)] == [3, None, 3]


def test_a_column_of_arguments_is_for_those_who_may_see_arguments(admin: Client) -> None:
    secret = {"password": "sesame", "note": "confided"}
    about("Ada", kwargs=secret, key="12345")

    (mine,), (row,) = cells(listed(admin)), exported(admin)
    bob = permitted(*OUTSIDERS)
    (bobs,), (bobs_row,) = cells(listed(bob)), exported(bob)

    assert "sesame" not in f"{mine} {row}"
    assert "[hidden]" in mine["token"]
    assert row["token"] == {"password": "[hidden]", "note": "confided"}
    assert bobs.keys() == mine.keys() - {"token", "note", "link"}
    assert "confided" not in f"{bobs} {bobs_row}"
    assert not {"token", "args", "key"} & bobs_row.keys()


def test_a_column_sees_nothing_it_did_not_name(admin: Client) -> None:
    about("Ada", kwargs={"note": "confided"})

    (row,) = cells(listed(admin))

    assert "confided" in row["token"]
    assert "—" in row["careless"]


def test_a_column_may_take_a_permission_of_the_project(admin: Client) -> None:
    about("Ada")
    bob = permitted(*OUTSIDERS)

    assert "link" not in cells(listed(bob))[0]
    assert "link" not in exported(bob)[0]
    assert exported(admin)[0]["link"] == "see"


def statements(client: Client, **query: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        listed(client, **query)
    return len([one for one in queries.captured_queries if "SAVEPOINT" not in one["sql"]])


def test_columns_cost_the_same_for_one_task_and_for_fifty(admin: Client) -> None:
    about("Ada")
    statements(admin)  # what a process asks once
    few = statements(admin)
    for number in range(60):
        about(f"customer {number}")

    assert statements(admin) == few


def test_what_no_column_needs_stays_in_the_database(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    about("Ada")
    assert '"metadata"' in sql_of_the_list(admin)

    monkeypatch.setattr(ShopTaskAdmin, "columns", TaskRecordAdmin.columns)

    assert '"metadata"' not in sql_of_the_list(admin)


def sql_of_the_list(client: Client) -> str:
    with CaptureQueriesContext(connection) as queries:
        listed(client)
    return next(one["sql"] for one in queries.captured_queries if '"task_path", ' in one["sql"])
