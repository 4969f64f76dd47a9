"""The admin's pages under themes that replace Django's templates."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.admin.browser import MISSING, browser_programs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("theme", ["grappelli", "jazzmin", "unfold"])
def test_every_page_works_under_a_theme(theme: str) -> None:
    if browser_programs() is None:
        pytest.skip(MISSING)
    assert find_spec(theme), f"{theme} is not installed"

    # A theme is chosen before Django is set up.
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/admin/themed.py"]
    environment = {
        "DJTASKS_TEST_THEME": theme, "DJANGO_SETTINGS_MODULE": "tests.themed",
        "DJTASKS_TEST_QUICK": "1",
    }  # fmt: skip
    # A run of its own: with databases of its own, as another theme may be tried at the same time.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_XDIST_", "COVERAGE_"))
    }
    run = subprocess.run(
        command, check=False, env=inherited | environment, text=True, capture_output=True
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout
