"""An admin site whose page of tasks has a column, a search key and an action of the shop's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from django.utils.html import format_html

from djtasks.admin import Column, SearchKey, TaskAction, TaskRecordAdmin, register
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.shop.models import Order


def order_of(task: Any) -> int:
    """Return the order that a task is about, 0 for none."""
    label, _colon, pk = (task.target or "").partition(":")
    return int(pk) if label == "shop.order" and pk.isdigit() else 0


def customers(tasks: Sequence[Any]) -> dict[int, str]:
    """Return who ordered, by order, with one statement for a page."""
    orders = Order.objects.filter(pk__in={order_of(task) for task in tasks})
    return dict(orders.values_list("pk", "customer"))


def asked_by(task: Any) -> str:
    return str(task.metadata["asked_by"])


def orders_of(customer: str, _known: Any) -> dict[str, Any]:
    """Return the tasks about the newest orders of a customer."""
    if customer == "broken":
        raise RuntimeError("the directory is away")
    found = Order.objects.filter(customer=customer).order_by("-pk")[:100]
    return {"target": [f"shop.order:{order.pk}" for order in found]}


def postpone(engine: Engine, ids: Sequence[UUID], request: HttpRequest) -> int:
    """Write on records who wants them looked at; refuse one that says so."""
    rows = TaskRecord.objects.using(engine.database).filter(pk__in=ids)
    if rows.filter(queue="reports").exists():
        raise RuntimeError("reports are not to be touched")
    return rows.exclude(queue="mail").update(metadata={"asked_by": request.user.get_username()})


class ShopTaskAdmin(TaskRecordAdmin):
    columns = (
        *TaskRecordAdmin.columns,
        Column(
            "customer",
            label="Customer",
            prepare=customers,
            value=lambda task, found: found.get(order_of(task)),
            exported=True,
        ),
        Column("note", label="Note", value=asked_by, needs=("metadata",)),
        Column("raises", label="Raises", value=lambda task: 1 / (task.priority - 7)),
        Column(
            "token", label="Token", value=lambda task: task.kwargs, needs=["kwargs"], exported=True
        ),
        Column("careless", label="Careless", value=lambda task: task.kwargs["note"]),
        Column(
            "link",
            label="Link",
            value=lambda task: format_html('<a href="/orders/{}/">{}</a>', order_of(task), "see"),
            permission="shop.view_order",
            exported=True,
        ),
    )  # fmt: skip
    search_keys = (*TaskRecordAdmin.search_keys, SearchKey("customer", select=orders_of))
    task_actions = (
        *TaskRecordAdmin.task_actions,
        TaskAction(
            name="postpone",
            label="Ask for a look",
            permission="shop.change_order",
            states={State.READY, State.FAILED},
            effect="The shop's people look at it.",
            run=postpone,
        ),
    )


site = admin.AdminSite(name="admin")
site.register(TaskRecord, ShopTaskAdmin)
register(site)

urlpatterns = [path("admin/", site.urls)]
