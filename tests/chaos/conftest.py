"""The chaos tests: `make chaos`. Only those marked `everyday` belong to the plain test run.

CHAOS=all runs all of them, PROFILE=real with the real heartbeat, CHAOS_SEED repeats a run.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.chaos.homes import FileHome, Home, MariaHome, PostgresHome
from tests.chaos.profiles import EVERYTHING
from tests.chaos.site import Site
from tests.servers import mariadb_url

HERE = Path(__file__).parent
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless it was asked for."""
    if EVERYTHING:
        return
    left_out = [
        item
        for item in items
        if HERE in item.path.parents and item.get_closest_marker("everyday") is None
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Tell with every failure how to repeat it, and what happened."""
    report = yield
    site = getattr(item, "chaos_site", None)
    if report.failed and isinstance(site, Site):
        report.sections.append(("chaos", "\n".join([f"CHAOS_SEED={SEED}", *site.events])))
        for one in site.workers:
            if one.log.exists():
                lines = one.output().splitlines()[-40:]
                report.sections.append((f"worker {one.pid}", "\n".join(lines)))
    return report


class Homes:
    """The databases of a run, each started when a scenario first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: dict[str, Home] = {}

    def __getitem__(self, vendor: str) -> Home:
        if vendor not in self.open:
            self.open[vendor] = self._open(vendor)
        return self.open[vendor]

    def _open(self, vendor: str) -> Home:
        if vendor == "mariadb":
            return MariaHome(mariadb_url())
        place = self.folder / vendor
        return PostgresHome(place) if vendor == "postgresql" else FileHome(place)


@pytest.fixture(scope="session")
def homes() -> Iterator[Homes]:
    folder = Path(tempfile.mkdtemp(prefix="djt-chaos-homes-"))
    folder.chmod(0o755)
    made = Homes(folder)
    yield made
    for home in made.open.values():
        home.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(
    request: pytest.FixtureRequest, homes: Homes, django_db_blocker: DjangoDbBlocker
) -> Iterator[Site]:
    """An installation on PostgreSQL, or on the database that a parameter names."""
    vendor = getattr(request, "param", "postgresql")
    if vendor == "mariadb" and not mariadb_url():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs MariaDB, which does not answer")
        pytest.skip("MariaDB does not answer")
    seed = random.Random(f"{SEED}:{request.node.name}").randrange(1_000_000)
    with django_db_blocker.unblock(), Site(homes[vendor], seed).opened() as opened:
        request.node.chaos_site = opened
        yield opened
