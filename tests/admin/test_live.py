"""Polling: only the live region, only when it says something new."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def queues() -> str:
    return reverse("admin:djtasks_queues")


def test_a_poll_is_answered_with_the_live_region_alone(admin: Client, queues: str) -> None:
    html = admin.get(queues, headers={"X-Djtasks-Live": "1"}).content.decode().strip()

    assert html.startswith('<div id="djt-live"')
    assert "<html" not in html
    assert "djt-table" in html


def test_a_region_that_says_nothing_new_costs_no_body(admin: Client, queues: str) -> None:
    first = admin.get(queues, headers={"X-Djtasks-Live": "1"})

    again = admin.get(queues, headers={"X-Djtasks-Live": "1", "If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_a_region_that_changed_is_sent(admin: Client, queues: str) -> None:
    first = admin.get(queues, headers={"X-Djtasks-Live": "1"})
    add.enqueue(1, 2)

    again = admin.get(queues, headers={"X-Djtasks-Live": "1", "If-None-Match": first["ETag"]})

    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]


def test_caches_are_told_that_the_page_and_its_region_differ(admin: Client, queues: str) -> None:
    page = admin.get(queues)

    assert "X-Djtasks-Live" in page["Vary"]
    assert "ETag" not in page
