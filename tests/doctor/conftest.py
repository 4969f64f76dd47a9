"""Installations that are broken for one test, and what a doctor finds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from djtasks.doctor import Finding, Level, examine
from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.store import workers
from tests.settings import CACHES, TASKS


@pytest.fixture
def changing() -> Iterator[Callable[..., None]]:
    """Change DATABASES[alias]; threads that connect later see it."""
    databases: Any = connections.settings
    before = {alias: deepcopy(settings) for alias, settings in databases.items()}
    yield lambda alias, **changes: databases[alias].update(changes)
    for alias, settings in before.items():
        databases[alias].clear()
        databases[alias].update(settings)


@pytest.fixture
def redis_at() -> Iterator[Callable[[str], None]]:
    """Point CACHES["tasks"] elsewhere."""
    with ExitStack() as stack:

        def point(location: str) -> None:
            changed = deepcopy(CACHES)
            changed["tasks"]["LOCATION"] = location
            stack.enter_context(override_settings(CACHES=changed))

        yield point


@pytest.fixture
def served(live_engine: Any) -> None:
    """A live worker for every queue, as far as anybody can see."""
    serve(TASKS["default"]["QUEUES"])


def serve(queues: list[str], version: str = "0.1.0") -> None:
    engine = engine_of("default")
    workers.register(
        engine.database,
        workers.NewWorker(
            id=new_id(),
            supervisor=new_id(),
            backend="default",
            host="here",
            pid=1,
            version=version,
            queues=queues,
            slots=8,
        ),
    )


def complaints(**asked: Any) -> dict[str, Finding]:
    """Return what is wrong by its code; each must be one line that names a way out."""
    found = {f.code: f for f in examine("default", **asked) if f.level is not Level.OK}
    for finding in found.values():
        assert finding.remedy
        assert "\n" not in finding.text + finding.remedy
    return found
