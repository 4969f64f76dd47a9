"""How apps load: tasks that are imported meanwhile, and an app that was forgotten."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure import ROOT

SETTINGS = """
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = {apps}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
TASKS = {{"default": {{"BACKEND": {backend!r}}}}}
"""
TASKS = """
from djtasks import task

@task
def add(a: int, b: int) -> int:
    return a + b
"""
CONFIG = """
from django.apps import AppConfig
from shop.tasks import add

class ShopConfig(AppConfig):
    name = "shop"
"""
SUBCLASS = """
from djtasks.backend import DjtasksBackend

class OwnBackend(DjtasksBackend):
    pass
"""
ENQUEUE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from shop.tasks import add
print(add.enqueue(1, 2).status)
"""
BACKENDS = {
    "djtasks.backend.DjtasksBackend": "READY",
    "djtasks.testing.DummyBackend": "READY",
    "djtasks.testing.ImmediateBackend": "SUCCESSFUL",
    "shop.own.OwnBackend": "READY",
}


def run(folder: Path, code: str, *, backend: str, apps: list[str], before: str = "") -> str:
    """Run code in a project with these apps, after `django.setup()`; return all that it printed.

    `before` is run before that.
    """
    (folder / "settings.py").write_text(SETTINGS.format(apps=apps, backend=backend))
    shop = folder / "shop"
    shop.mkdir()
    for name, source in {"tasks": TASKS, "own": SUBCLASS}.items():
        (shop / f"{name}.py").write_text(source)
    (shop / "__init__.py").write_text("")
    if "shop.apps.ShopConfig" in apps:
        (shop / "apps.py").write_text(CONFIG)
    else:
        (shop / "__init__.py").write_text("from shop.tasks import add\n")
    script = f"{before}\nimport django\ndjango.setup()\n{code}"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=folder,
        env={"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("app", ["shop", "shop.apps.ShopConfig"])
def test_tasks_may_be_imported_while_apps_load(tmp_path: Path, backend: str, app: str) -> None:
    said = run(tmp_path, ENQUEUE, backend=backend, apps=[app, "djtasks"])

    assert said == f"{BACKENDS[backend]}\n"


def test_a_conftest_may_import_the_test_kit_before_django_is_set_up(tmp_path: Path) -> None:
    before = "from djtasks.testing import advance, crash_at_start, enqueued, run_due"

    said = run(
        tmp_path,
        f"{ENQUEUE}print(*[result.return_value for result in run_due()], len(enqueued()))",
        backend="djtasks.backend.DjtasksBackend",
        apps=["djtasks", "shop"],
        before=before,
    )

    assert said == "READY\n3 1\n"


@pytest.mark.parametrize(
    "code",
    [
        "add.enqueue(1, 2)",
        "add.enqueue_many([(1, 2)])",
        "add.get_result('0199')",
        "add.get_backend().cancel('0199')",
        "from djtasks.testing import run_due; run_due()",
    ],
)
def test_a_forgotten_app_is_named_where_a_task_is_used(tmp_path: Path, code: str) -> None:
    script = f"from shop.tasks import add\n{code}"

    said = run(tmp_path, script, backend="djtasks.backend.DjtasksBackend", apps=["shop"])

    assert said.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: djtasks stores tasks in its own tables, but "
        "'djtasks' is not in INSTALLED_APPS. Add it, then run `manage.py migrate`."
    )


def test_e020_a_forgotten_app_is_named_by_the_checks(tmp_path: Path) -> None:
    script = "from django.core.management import call_command; call_command('check')"

    said = run(tmp_path, script, backend="djtasks.backend.DjtasksBackend", apps=["shop"])

    assert "(djtasks.E020) TASKS['default']: djtasks stores tasks in its own tables, but" in said
