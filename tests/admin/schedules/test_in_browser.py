"""Schedules in a real browser, with and without scripts, under a strict policy."""

from datetime import timedelta

import pytest

from djtasks.models import Schedule
from djtasks.schedules import Crontab
from tests.admin.browser import Browser
from tests.admin.scheduling import declared, made, page
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def several() -> Schedule:
    made(name="expire-carts", is_enabled=False, paused_by="maria", paused_reason="LEG-77")
    made(name="nonsense", rule={"kind": "moon"}, broken="It is no rule.")
    return declared(name="report", rule=Crontab("0 3 * * *").as_dict(), jitter=timedelta(minutes=1))


def type_into(browser: Browser, name: str, text: str) -> None:
    element = browser.find(f"[name={name}]")
    element.clear()
    element.send_keys(text)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["changelist", "add", "change", "pause"])
def test_a_page_shuts_nobody_out_and_breaks_no_policy(
    browser: Browser, name: str, dark: bool
) -> None:
    row = several()
    browser.emulate(dark=dark)
    browser.open(page(name, row if name in ("change", "pause") else None))

    assert browser.barriers() == []
    assert browser.complaints() == []


def test_the_next_runs_follow_what_is_typed(browser: Browser) -> None:
    browser.open(page("add"))
    type_into(browser, "expression", "30 2 * * *")
    type_into(browser, "tz", "Europe/Paris")

    eventually(lambda: "Daily at 02:30, Europe/Paris" in browser.find("#djt-preview").text)
    assert len(browser.all(".djt-runs li")) == 10
    type_into(browser, "expression", "61 2 * * *")
    eventually(lambda: "the minute cannot be" in browser.find("#djt-preview").text)

    assert browser.complaints() == []
    assert not Schedule.objects.exists()


@pytest.mark.parametrize("scripts", [True, False])
def test_only_the_fields_of_the_chosen_kind_are_shown(browser: Browser, scripts: bool) -> None:
    browser.allow_scripts(allowed=scripts)
    browser.open(page("add"))

    assert browser.find("[name=expression]").is_displayed()
    assert not browser.find("[name=interval]").is_displayed()
    browser.find("[name=kind][value=interval]").click()

    assert not browser.find("[name=expression]").is_displayed()
    assert browser.find("[name=interval]").is_displayed()


def test_a_schedule_is_made_without_scripts(browser: Browser) -> None:
    browser.allow_scripts(allowed=False)
    browser.open(page("add"))
    type_into(browser, "name", "nightly")
    browser.find("[name=task_path] option[value='tests.tasks.closes_nothing']").click()
    type_into(browser, "expression", "30 2 * * *")

    browser.click("Preview")
    assert browser.reads("Daily at 02:30, UTC")
    browser.click("Save")

    eventually(lambda: "was saved" in browser.chrome.page_source)
    assert Schedule.objects.get().task_path == "tests.tasks.closes_nothing"


def test_the_buttons_of_the_list_work(browser: Browser) -> None:
    row = made()
    browser.open(page("changelist"))

    browser.click("Run now")
    eventually(lambda: "Run by hand" in browser.chrome.page_source)
    browser.click("Pause…")
    type_into(browser, "reason", "Legal checks")
    browser.click("Pause")
    eventually(lambda: "Legal checks" in browser.chrome.page_source)
    browser.click("Resume")
    eventually(lambda: "Resumed" in browser.chrome.page_source)

    row.refresh_from_db()
    assert row.is_enabled
    assert browser.complaints() == []
