"""The built-in columns of the list of tasks: those of durations sort it."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")

NIL = "00000000-0000-0000-0000-000000000000"


def test_the_heads_of_durations_sort_the_list(admin: Client) -> None:
    add.enqueue_many([(1, 2)] * 2)
    where = reverse("admin:djtasks_taskrecord_changelist")

    html = admin.get(where, {"q": "state:ready", "newer": NIL}).content.decode()
    link = re.findall(r'href="([^"]*sort=wait[^"]*)" title="Longest first">Waited', html)[0]
    sorted_ = admin.get(where + unescape(link)).content.decode()

    assert link == "?q=state%3Aready&amp;sort=wait"
    assert 'aria-sort="descending"><a href="?q=state%3Aready&amp;sort=wait"' in sorted_
    assert "2 tasks · 2 shown, longest first" in sorted_
    assert admin.get(where, {"sort": "nonsense", "page": "x"}).context["sort"] == ""
    beyond = admin.get(where, {"sort": "run", "page": "9"}).content.decode()
    assert "No tasks on this page" in beyond
