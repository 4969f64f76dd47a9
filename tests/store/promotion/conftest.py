"""The store of each database in turn."""

import pytest

from djtasks.store import Store, open_store


@pytest.fixture
def store(database: str) -> Store:
    return open_store("default")
