"""The files of deploy/, and the tools that judge them."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SCRIPTS = [ROOT / ".ci" / "run", *sorted(DEPLOY.rglob("*.sh"))]


def missing(what: str, *, wheel: bool) -> None:
    """Skip for want of a tool; `make check-deploy` has installed those that are wheels."""
    if wheel and os.environ.get("DJTASKS_TEST_DEPLOY"):
        pytest.fail(f"{what} is missing, which the extra `deploy` installs")
    pytest.skip(f"{what} is not installed here")


def tool(name: str, *, wheel: bool = True) -> str:
    """Return the path of a command, beside this Python or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        missing(name, wheel=wheel)
    assert found
    return found


def yaml() -> Any:
    """Return the YAML library."""
    if find_spec("yaml") is None:
        missing("PyYAML", wheel=True)
    import yaml

    return yaml


def documents(path: Path) -> list[dict[str, Any]]:
    """Return what a YAML file holds."""
    return [one for one in yaml().safe_load_all(path.read_text()) if one]


def complaints_of(*command: str) -> str:
    """Run a tool; return what it says, nothing where it is content."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    said = (done.stdout + done.stderr).strip()
    return (said or f"exit code {done.returncode}") if done.returncode else ""
