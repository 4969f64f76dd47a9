"""Which modules a process imports for their tasks, and which it takes for found."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.test import override_settings

from djtasks.definitions import discovery, registry
from djtasks.schedules import periodic as declarations
from tests.settings import INSTALLED_APPS

SOURCE = "from djtasks import task\n@task\ndef {name}() -> None: ...\n"
PERIODIC = (
    "from datetime import timedelta\nfrom djtasks import Every, periodic, task\n"
    "@periodic(Every(timedelta(hours=1)), name='deep')\n@task\ndef deep() -> None: ...\n"
)
FILES = {
    "__init__.py": "",
    "tasks/__init__.py": "",
    "tasks/mail.py": SOURCE.format(name="send"),
    "tasks/bills/__init__.py": "",
    "tasks/bills/monthly.py": PERIODIC,
    "tasks/tests/__init__.py": "raise ImportError('a test')",
    "tasks/test_mail.py": "raise ImportError('a test')",
    "tasks/conftest.py": "raise ImportError('a test')",
    "other.py": SOURCE.format(name="hidden"),
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An app whose tasks are a package."""
    for name, source in FILES.items():
        path = tmp_path / "djtasks_parcels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_tasks", dict(registry._tasks))
    monkeypatch.setattr(declarations, "_declarations", [])
    monkeypatch.setattr(discovery, "_loaded", set())
    with override_settings(INSTALLED_APPS=[*INSTALLED_APPS, "djtasks_parcels"]):
        yield "djtasks_parcels"
    for name in [name for name in sys.modules if name.startswith("djtasks_parcels")]:
        del sys.modules[name]
    discovery._of_apps.cache_clear()


def test_the_modules_of_a_tasks_package_are_imported_with_their_schedules(app: str) -> None:
    registry.import_tasks()

    assert registry.find(f"{app}.tasks.mail.send") is not None
    assert registry.find(f"{app}.tasks.bills.monthly.deep") is not None
    assert [one.name for one in declarations.declared("default")] == ["deep"]


def test_what_is_found_is_what_is_imported(app: str) -> None:
    listed = [name for name in discovery.modules() if name.startswith(f"{app}.")]

    assert sorted(listed) == [
        f"{app}.tasks",
        f"{app}.tasks.bills",
        f"{app}.tasks.bills.monthly",
        f"{app}.tasks.mail",
    ]
    assert all(discovery.is_found(name) for name in listed)
    assert not discovery.is_found(f"{app}.tasks.test_mail")
    assert not discovery.is_found(f"{app}.other")


def test_a_module_that_django_loads_when_it_starts_is_found(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "ready", False)
    importlib.import_module(f"{app}.other")
    monkeypatch.setattr(apps, "ready", True)

    assert discovery.is_found(f"{app}.other")


def test_a_module_that_a_listed_module_loads_is_found(app: str, tmp_path: Path) -> None:
    (tmp_path / app / "tasks" / "mail.py").write_text(f"import {app}.other\n")

    registry.import_tasks()

    assert discovery.is_found(f"{app}.other")


@pytest.mark.parametrize(
    "inner", ["from djtasks_parcels import other", "from djtasks_parcels.other import hidden"]
)
def test_a_module_that_a_listed_module_imports_is_found_whoever_was_first(
    app: str, tmp_path: Path, inner: str
) -> None:
    folder = tmp_path / app
    (folder / "views.py").write_text("from djtasks_parcels.other import hidden\n")
    importlib.import_module(f"{app}.views")
    registry.import_tasks()
    assert not discovery.is_found(f"{app}.other")

    (folder / "between.py").write_text(f"{inner}\n")
    (folder / "tasks" / "late.py").write_text(f"from {app} import between\n")
    importlib.invalidate_caches()
    discovery._of_apps.cache_clear()
    registry.import_tasks()

    assert discovery.is_found(f"{app}.other")


def test_what_comes_from_another_distribution_is_not_to_be_moved(app: str) -> None:
    assert discovery.remedy("pytest", "default") == (
        "add 'pytest' to OPTIONS['imports'] of TASKS['default']"
    )
    assert discovery.remedy(f"{app}.other", "default").startswith("move it to a `tasks` module")
