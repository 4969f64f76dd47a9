"""A project's columns in a real browser: in any theme, at any width, without scripts."""

import pytest
from django.urls import reverse

from djtasks.engine import Engine
from tests.admin.browser import Browser
from tests.admin.shop_tasks import about

pytestmark = [pytest.mark.slow, pytest.mark.urls("tests.admin.extended")]


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 390)], ids=["light", "dark"])
def test_a_list_with_more_columns_shuts_nobody_out(
    browser: Browser, live_engine: Engine, dark: bool, width: int
) -> None:
    record = about("A customer with a name that is rather long")
    browser.emulate(dark=dark, width=width)

    for page in (
        reverse("admin:djtasks_taskrecord_changelist"),
        reverse("admin:djtasks_bulk_new") + "?action=postpone&all=1",
        reverse("admin:djtasks_taskrecord_postpone", args=[record.pk]),
    ):
        browser.open(page)
        assert browser.complaints() == [], page
        assert browser.barriers() == [], page
        browser.complaints()  # axe-core itself tries what the policy forbids
        seen = browser.chrome.execute_script("return document.documentElement.scrollWidth")
        assert seen <= width, f"{page} scrolls sideways"


def test_an_action_of_a_project_needs_no_scripts(browser: Browser, live_engine: Engine) -> None:
    record = about("Ada")
    browser.allow_scripts(allowed=False)

    browser.open(reverse("admin:djtasks_taskrecord_changelist"))
    browser.find("input[name=all]").click()
    browser.find("button[value=postpone]").click()
    browser.find("form.djt-form button").click()

    assert browser.reads("1 task was changed.")
    record.refresh_from_db()
    assert record.metadata == {"asked_by": "ada"}
