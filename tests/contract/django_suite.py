"""Run Django's tests/tasks against djtasks: `python -m tests.contract.django_suite 6.1 6.0`.

Makes an environment for each of these versions in the user's cache, outside the repository, and
takes the tests from Django's source distribution. Each version runs twice: with rows of a database,
and with the backends of djtasks.testing. Ends with 1 if a test fails that `differences.py` does not
list, or passes although it does.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.contract.differences import DIFFERENCES
from tests.environments import CACHE, environment
from tests.structure import ROOT

# Where Django's tests name a backend of its own, ours takes its place.
_OWN_BACKEND = re.compile(r"django\.tasks\.backends\.(?:dummy|immediate)(?= import|\.\w+Backend)")

# Our backends use tables, which Django's SimpleTestCase forbids.
_FOR_TABLES = {
    "(SimpleTestCase)": "(TransactionTestCase)",
    "import SimpleTestCase, override": "import TransactionTestCase, override",
    "available_apps = []": 'available_apps = ["djtasks"]',
}


def main(versions: list[str]) -> int:
    """Run all suites of these versions; return 0 if every one ended as expected."""
    verdicts = [_run(version, mode) for version in versions or ["6.1"] for mode in DIFFERENCES]
    return int(any(verdicts))


def _run(version: str, mode: str) -> int:
    home = CACHE / "django-suite" / version
    python = environment(home, [f"Django~={version}.0"])
    folder = _written(_source(home, python), home / mode, mode)
    print(f"\n=== Django {version}, {mode}", flush=True)
    ended = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.contract.running", mode],
        cwd=folder,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.contract.settings",
            "DJTASKS_SUITE_MODE": mode,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        },
        check=False,
    )
    return ended.returncode


def _source(home: Path, python: Path) -> Path:
    """Return Django's tests/tasks of the installed release; download them once."""
    asked = [python, "-c", "import django; print(django.__version__)"]
    release = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    folder = home / f"django-{release}"
    if not folder.exists():
        options = ["--quiet", "--no-deps", "--no-binary", "Django", "--dest", home]
        download = [python, "-m", "pip", "download", *options, f"Django=={release}"]
        subprocess.run(download, check=True)
        with tarfile.open(next(home.glob(f"[Dd]jango-{release}.tar.gz"))) as archive:
            members = [one for one in archive if "/tests/tasks/" in one.name]
            archive.extractall(home, members, filter="data")
        next(home.glob(f"[Dd]jango-{release}/")).rename(folder)
    return folder / "tests/tasks"


def _written(source: Path, folder: Path, mode: str) -> Path:
    """Write the tests as they meet our backends: the package `tasks` in a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tasks").mkdir(parents=True)
    for path in sorted(source.glob("*.py")):
        text = _OWN_BACKEND.sub(f"tests.contract.{mode}", path.read_text())
        if "tests.contract" in text:
            for old, new in _FOR_TABLES.items():
                text = text.replace(old, new)
        (folder / "tasks" / path.name).write_text(text)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
