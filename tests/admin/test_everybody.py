"""Every page, in a real browser: it shuts nobody out, in any theme, at any width."""

import pytest

from djtasks.engine import Engine
from tests.admin.browser import Browser
from tests.admin.expectations import address, names
from tests.admin.incident import Incident
from tests.admin.stage import set_up

pytestmark = pytest.mark.slow

# What is drawn outside of its panel, and cannot be scrolled to.
OUTSIDE = """const drawn = [...document.querySelectorAll(".djt-panel svg, .djt-plot text")];
return drawn.filter((one) => {
    const panel = one.closest(".djt-panel").getBoundingClientRect();
    const {left, right, width} = one.getBoundingClientRect();
    const isSeen = width && getComputedStyle(one).visibility !== "hidden";
    return isSeen && !one.closest(".djt-scroll") && (left < panel.left || right > panel.right);
}).map((one) => one.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 390)], ids=["light", "dark"])
def test_no_page_shuts_anybody_out(
    browser: Browser, live_engine: Engine, dark: bool, width: int
) -> None:
    Incident(live_engine).happen()
    stage = set_up(live_engine)
    browser.emulate(dark=dark, width=width)

    for name in names(shown=True):
        browser.open(address(name, stage))
        assert browser.complaints() == [], name
        assert browser.barriers() == [], name
        browser.complaints()  # axe-core itself tries what the policy forbids
        seen = browser.chrome.execute_script("return document.documentElement.scrollWidth")
        assert seen <= width, f"{name} scrolls sideways"
        assert browser.chrome.execute_script(OUTSIDE) == [], name


def test_no_page_needs_scripts(browser: Browser, live_engine: Engine) -> None:
    stage = set_up(live_engine)
    browser.allow_scripts(allowed=False)

    for name in names(shown=True):
        browser.open(address(name, stage))
        assert browser.find("#content").is_displayed(), name
        assert not [one for one in browser.all("[data-djt-refresh]") if one.is_displayed()], name
    assert browser.complaints() == []
