"""Environments outside the repository for code that the tests themselves do not install."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.structure import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "djtasks"
PYTHONS = ("3.14", "3.13", "3.12")


def environment(home: Path, wanted: Sequence[str]) -> Path:
    """Return the Python of an environment with these packages and djtasks; make it once."""
    python = home / "venv/bin/python"
    if not python.exists():
        subprocess.run([interpreter(), "-m", "venv", home / "venv"], check=True)
    installed = home / "installed"
    needs = ROOT / "pyproject.toml"
    if not installed.exists() or installed.stat().st_mtime < needs.stat().st_mtime:
        packages = [*wanted, "--editable", ROOT]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        installed.touch()
    return python


def interpreter() -> str:
    """Return a Python for Django 6. Version managers leave shims that do not run: try them."""
    own = Path.home() / ".pyenv/versions"
    for version in PYTHONS:
        for candidate in (f"python{version}", *own.glob(f"{version}.*/bin/python")):
            asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            if shutil.which(candidate):
                ended = subprocess.run(asked, capture_output=True, text=True, check=False)
                if ended.stdout.strip() == version:
                    return str(candidate)
    sys.exit(f"Django 6 needs one of Python {', '.join(PYTHONS)}, and there is none here.")
