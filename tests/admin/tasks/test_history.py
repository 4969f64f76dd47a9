"""The tasks about an object on that object's own page of the admin."""

import pytest
from django.contrib.admin import AdminSite
from django.test import Client
from django.urls import reverse

from demo_project.library.models import Reading
from demo_project.library.tasks import write_report
from tests.admin.opening import page, permitted
from tests.admin.order_urls import OrderAdmin
from tests.shop.models import Order
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")


def reading() -> Reading:
    return Reading.objects.create(title="Standard library", folders=[])


def page_of(one: Reading) -> str:
    return reverse("admin:library_reading_change", args=[one.pk])


def test_the_tasks_of_an_object_stand_on_its_page_newest_first(admin: Client) -> None:
    one, other = reading(), reading()
    first = write_report.using(target=one).enqueue(one.pk)
    second = add.using(target=one).enqueue(1, 2)
    elsewhere = add.using(target=other).enqueue(1, 2)

    html = admin.get(page_of(one)).content.decode()

    assert html.index(page(second.id)) < html.index(page(first.id))
    assert page(elsewhere.id) not in html


def test_only_the_newest_are_shown(admin: Client) -> None:
    one = reading()
    tasks = [add.using(target=one).enqueue(1, 2) for _ in range(22)]

    html = admin.get(page_of(one)).content.decode()

    assert "The newest 20; there are more." in html
    assert page(tasks[0].id) not in html
    assert page(tasks[-1].id) in html


def test_an_object_without_tasks_says_so(admin: Client) -> None:
    assert (
        "No task was enqueued about this object." in admin.get(page_of(reading())).content.decode()
    )


def test_only_those_who_may_view_tasks_see_them(client: Client) -> None:
    one = reading()
    add.using(target=one).enqueue(1, 2)

    html = permitted(client, "view_reading").get(page_of(one)).content.decode()

    assert "Standard library" in html
    assert "djtasks-history" not in html


@pytest.mark.urls("tests.admin.order_urls")
def test_an_object_is_added_and_saved_as_without_the_list(admin: Client) -> None:
    admin.post(reverse("admin:shop_order_add"), {"customer": "anna", "charged": "0"})
    order = Order.objects.get()
    add.using(target=order).enqueue(1, 2)
    its_page = reverse("admin:shop_order_change", args=[order.pk])

    answer = admin.post(its_page, {"customer": "bea", "charged": "0"})

    assert answer.status_code == 302
    order.refresh_from_db()
    assert order.customer == "bea"
    # This site has no page of the task, so its name is no link.
    html = admin.get(its_page).content.decode()
    assert '<span class="djt-break">add' in html


@pytest.mark.urls("tests.admin.order_urls")
def test_a_page_with_errors_and_the_page_of_a_new_object_still_work(admin: Client) -> None:
    html = admin.post(reverse("admin:shop_order_add"), {"customer": ""}).content.decode()

    assert "This field is required" in html
    assert "djtasks-history-group" not in html


def test_the_inline_passes_the_checks_of_the_admin() -> None:
    assert OrderAdmin(Order, AdminSite()).check() == []
