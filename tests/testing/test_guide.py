"""The examples of the guide on testing, in a project of its own: with pytest, and with Django's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tests.shop.models

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "testing.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = 11

SETTINGS = """
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["djtasks", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = {"default": {"BACKEND": "djtasks.backend.DjtasksBackend"}}
"""
# The fixture is the module, so the same examples run as methods.
METHODS = """
from inspect import isfunction

from django.test import TestCase

import test_guide
from djtasks import testing
from test_guide import AsyncTests, PackingTests


class GuideTests(TestCase):
    pass


def method_of(example):
    return lambda self: example(testing)


for name, example in vars(test_guide).items():
    if isfunction(example) and name.startswith("test_"):
        setattr(GuideTests, name, method_of(example))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose app has the tasks of the guide, and whose tests are its examples."""
    blocks = BLOCK.findall(GUIDE.read_text())
    (tasks,) = [block for block in blocks if block.startswith("# shop/tasks.py")]
    left_out = ("# shop/tasks.py", "# settings", "from djtasks.compat")
    examples = [block for block in blocks if not block.startswith(left_out)]
    (tmp_path / "shop").mkdir()
    for name, text in {
        "settings.py": SETTINGS,
        "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = settings\n",
        "shop/__init__.py": "",
        "shop/models.py": Path(tests.shop.models.__file__).read_text(),
        "shop/tasks.py": tasks,
        "test_guide.py": "\n".join(examples),
        "methods.py": METHODS,
        "test_plain.py": (
            "import sys\n\n\ndef test_nothing_of_django_is_imported():\n"
            "    assert 'pytest_djtasks' in sys.modules\n"
            "    assert not {'django', 'djtasks'} & set(sys.modules)\n"
        ),
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def output_of(project: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={name: value for name, value in kept.items() if "PYTEST" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_examples_run_with_the_plugin_of_pytest(project: Path) -> None:
    told = output_of(project, "pytest", "-q", "-p", "no:cacheprovider", "test_guide.py")

    assert f"{EXAMPLES} passed" in told


def test_the_examples_run_in_djangos_test_case(project: Path) -> None:
    told = output_of(project, "django", "test", "--settings=settings", "methods")

    assert f"Ran {EXAMPLES} tests" in told


def test_the_plugin_imports_no_django_where_nobody_uses_it(project: Path) -> None:
    without_django = ["-p", "no:django", "-c", os.devnull, "--rootdir=."]

    told = output_of(project, "pytest", "-q", *without_django, "test_plain.py")

    assert "1 passed" in told
