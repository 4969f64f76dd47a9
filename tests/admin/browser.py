"""A real Chromium without a window, driven as a person would use it.

Debian's `chromium` and `chromium-driver`; tests are skipped, with the reason, where they are
missing.
"""

import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.waiting import eventually

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
MISSING = (
    "needs the Debian packages chromium and chromium-driver: apt-get install chromium "
    "chromium-driver"
)
# A browser asks for it by itself; the test project has none.
UNASKED = "/favicon.ico"
# How the driver tells that a page went away while it was being read.
REPLACED = "does not belong to the document"


def browser_programs() -> tuple[str, str] | None:
    """Return the programs of the browser and its driver, or None where one is missing."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One browser, signed in to one server."""

    def __init__(self, server: str, *, width: int = 1440, height: int = 1000) -> None:
        programs = browser_programs()
        assert programs is not None, MISSING
        self.server = server
        self.chrome = Chrome(_options(programs[0], width, height), Service(programs[1]))

    def close(self) -> None:
        """End the browser."""
        self.chrome.quit()

    def sign_in(self, session: str) -> None:
        """Take over a session of Django's."""
        self.chrome.get(f"{self.server}/nowhere")
        self.chrome.add_cookie({"name": "sessionid", "value": session})
        self.complaints()

    def open(self, path: str) -> None:
        """Go to a page of the server."""
        self.chrome.get(f"{self.server}{path}")

    def emulate(self, *, dark: bool = False, width: int | None = None) -> None:
        """Show pages as a system with a dark theme does, and as a phone of a width does."""
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        if width is None:
            self.chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        else:
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def allow_scripts(self, *, allowed: bool) -> None:
        """Run the scripts of pages, or none at all."""
        self.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def find(self, css: str) -> WebElement:
        """Return the first element a selector names, as soon as it is there."""
        return eventually(lambda: self.all(css), seconds=10)[0]

    def all(self, css: str) -> list[WebElement]:
        """Return the elements a selector names now."""
        return self.chrome.find_elements(By.CSS_SELECTOR, css)

    def click(self, label: str) -> None:
        """Click on the first link or button that reads `label`."""
        where = f"//*[(self::a or self::button or self::summary) and normalize-space()='{label}']"
        eventually(lambda: self.chrome.find_elements(By.XPATH, where), seconds=10)[0].click()

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        self.chrome.switch_to.active_element.send_keys(getattr(Keys, key, key))

    def photograph(self, file: Path) -> None:
        """Save a picture of the whole page, however long."""
        shot = self.chrome.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        file.write_bytes(b64decode(shot["data"]))

    def text(self) -> str:
        """Return what the page reads, messages included."""
        return self.find("#main .content").text

    def reads(self, words: str) -> bool:
        """Wait until the page says something, also on the next one after a click."""

        def is_said() -> bool:
            try:
                return words in self.text()
            except StaleElementReferenceException:
                return False
            except WebDriverException as error:
                if REPLACED in str(error):
                    return False
                raise

        return eventually(is_said, seconds=10)

    def complaints(self) -> list[str]:
        """Return what the console was told since the last call: errors and broken policies."""
        entries: list[dict[str, Any]] = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [
            entry["message"]
            for entry in entries
            if entry["level"] in ("SEVERE", "WARNING") and UNASKED not in entry["message"]
        ]

    def barriers(self, within: str = "html") -> list[str]:
        """Return what axe-core finds that shuts people out, seriously or critically."""
        self.chrome.execute_script(AXE.read_text())
        ask = (
            "const [within, done] = arguments;"
            "axe.run(within).then((found) => done(found.violations))"
        )
        found: list[dict[str, Any]] = self.chrome.execute_async_script(ask, within)
        return [
            f"{rule['id']}: {node['failureSummary']}: {node['target']} {node['html'][:200]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]


def _options(browser: str, width: int, height: int) -> ChromeOptions:
    options = ChromeOptions()
    options.binary_location = browser
    for flag in (
        "headless=new",
        "no-sandbox",  # root has none
        "disable-dev-shm-usage",
        "hide-scrollbars",
        "force-color-profile=srgb",
        f"window-size={width},{height}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return options
