"""An installation and two workers on every database, with no process and no time between them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from djtasks.store import open_store
from tests.chaos.machine import Child, Installation
from tests.conftest import DATABASES, require
from tests.routing import Home


def on(alias: str) -> Any:
    """Return the parameter of a fixture that uses this database, and empties no other."""
    return pytest.param(alias, marks=pytest.mark.django_db(transaction=True, databases=[alias]))


def _opened(alias: str) -> Iterator[Installation]:
    with override_settings(DATABASE_ROUTERS=[Home(require(alias))]):
        yield Installation(alias, open_store("default"))


@pytest.fixture(params=[on(alias) for alias in DATABASES])
def site(request: pytest.FixtureRequest) -> Iterator[Installation]:
    yield from _opened(request.param)


@pytest.fixture(params=[on(alias) for alias in DATABASES if alias != "sqlite"])
def busy_site(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """One where two sessions may write at once; SQLite has one writer at a time."""
    yield from _opened(request.param)


@pytest.fixture
def ada(site: Installation) -> Child:
    return Child(site)


@pytest.fixture
def bob(site: Installation) -> Child:
    return Child(site)
