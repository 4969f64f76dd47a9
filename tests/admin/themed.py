"""Every page in a themed admin. Not collected by an ordinary run: test_themes.py runs it."""

import os
from pathlib import Path

import pytest

from djtasks.engine import Engine
from tests.admin.browser import Browser
from tests.admin.expectations import address, names
from tests.admin.incident import Incident
from tests.admin.stage import set_up

pytestmark = pytest.mark.slow

# What a style sheet of ours turns into: it is there, and the icons are no larger than text.
IS_STYLED = """
return getComputedStyle(document.querySelector(".djt")).fontVariantNumeric === "tabular-nums"
    && [...document.querySelectorAll(".djt svg:has(> use)")].every(
        (one) => one.getBoundingClientRect().height <= 32)
    && ["--body-fg", "--hairline-color", "--djt-bad"].every(
        (name) => getComputedStyle(document.querySelector(".djt")).getPropertyValue(name))
"""
HAS_ICONS = """return [...document.querySelectorAll(".djt use")].every(
    (one) => document.querySelector(one.getAttribute("href")))"""
PICTURES = os.environ.get("DJTASKS_SCREENSHOTS")


def test_every_page_is_whole(browser: Browser, live_engine: Engine) -> None:
    Incident(live_engine).happen()
    stage = set_up(live_engine)
    browser.emulate(dark=False, width=1440)

    found: list[str] = []
    for name in names(shown=True):
        browser.open(address(name, stage))
        if PICTURES:
            browser.photograph(Path(PICTURES) / f"{os.environ['DJTASKS_TEST_THEME']}-{name}.png")
        if not browser.all(".djt"):  # Django's own pages of a row are the theme's
            assert name.endswith("_history"), name
            continue
        assert browser.chrome.execute_script(IS_STYLED), name
        assert browser.chrome.execute_script(HAS_ICONS), name
        found += [f"{name}: {one}" for one in browser.barriers(".djt")]
    assert not found, "\n".join(found)


def test_the_list_is_live(browser: Browser) -> None:
    browser.open(address("djtasks_queues", {}))

    assert browser.find("[data-djt-refresh]").is_displayed()
