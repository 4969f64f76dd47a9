"""The page of a workflow in a real browser: by hand, with scripts and without, on a phone."""

import pytest
from django.urls import reverse

from djtasks.engine import Engine
from djtasks.models import TaskRecord, WorkflowRecord
from djtasks.protocol.states import State
from tests.admin.browser import Browser
from tests.admin.workflows.catalogue import data_mart, import_catalogue

pytestmark = pytest.mark.slow


def page(row: WorkflowRecord) -> str:
    return reverse("admin:djtasks_workflowrecord_change", args=[row.pk])


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_workflow_is_paused_resumed_and_retried(
    browser: Browser, live_engine: Engine, scripts: bool
) -> None:
    row = import_catalogue(live_engine)
    browser.allow_scripts(allowed=scripts)
    browser.open(page(row))

    browser.click("Pause…")
    browser.click("Pause")
    assert browser.reads("It is paused.")
    browser.click("Resume…")
    browser.click("Resume")
    assert browser.reads("It goes on.")
    browser.click("Retry what failed…")
    browser.click("Retry what failed")

    assert browser.reads("go back.")
    assert not TaskRecord.objects.filter(workflow=row.pk, state=State.FAILED).exists()
    assert browser.complaints() == []


def test_progress_appears_by_itself(browser: Browser, live_engine: Engine) -> None:
    row = import_catalogue(live_engine)
    browser.open(page(row))
    assert browser.reads("616 of 1,240")
    TaskRecord.objects.filter(workflow=row.pk, state=State.RUNNING).update(
        state=State.SUCCESSFUL, worker=None
    )

    browser.press("r")

    assert browser.reads("653 of 1,240")
    assert browser.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_of_a_workflow_shuts_nobody_out(
    browser: Browser, live_engine: Engine, dark: bool, width: int
) -> None:
    browser.emulate(dark=dark, width=width)

    for row in (import_catalogue(live_engine), data_mart(live_engine, 30)):
        browser.open(page(row))
        assert browser.complaints() == []
        assert browser.barriers() == []
        browser.complaints()  # axe-core itself tries what the policy forbids
        assert browser.chrome.execute_script("return document.documentElement.scrollWidth") <= width
        is_drawn = browser.find(".djt-graph").is_displayed()
        assert is_drawn is (width > 767)
        assert browser.find(".djt-graph-list").is_displayed() is not is_drawn
