"""The pytest plugin of djtasks. It imports nothing of Django before a test asks for its fixture.

A module of its own: pytest imports it before settings are known, and djtasks imports Django.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

# The names of pytest-django, loaded by its entry point or by `-p`.
_PYTEST_DJANGO = ("django", "pytest_django.plugin")


@pytest.fixture
def djtasks(request: pytest.FixtureRequest) -> "ModuleType":
    """Return djtasks.testing: run_due(), assert_enqueued(), advance() and the others.

    With pytest-django and a TASKS alias that stores tasks, the test may use the database, as with
    the fixture `db`.
    """
    from djtasks import testing  # noqa: PLC0415
    from djtasks.engine import our_aliases  # noqa: PLC0415

    has_plugin = any(map(request.config.pluginmanager.hasplugin, _PYTEST_DJANGO))
    if has_plugin and our_aliases():
        request.getfixturevalue("db")
    return testing
