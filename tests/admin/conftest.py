"""Who looks at the admin, and with which browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from djtasks.engine import Engine
from tests.admin.browser import MISSING, Browser, browser_programs


@pytest.fixture
def admin(db: None, client: Client) -> Client:
    """A browser of somebody who may do everything."""
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture(scope="session")
def chromium(live_server: Any) -> Iterator[Browser]:
    if browser_programs() is None:
        pytest.skip(MISSING)
    browser = Browser(live_server.url)
    yield browser
    browser.close()


@pytest.fixture
def browser(live_engine: Engine, admin: Client, chromium: Browser) -> Iterator[Browser]:
    """A real browser of somebody who may do everything."""
    chromium.sign_in(admin.cookies["sessionid"].value)
    yield chromium
    chromium.allow_scripts(allowed=True)
    chromium.emulate()
    chromium.chrome.get("about:blank")  # a page of ours would go on polling during other tests
