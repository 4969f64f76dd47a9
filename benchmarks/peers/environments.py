"""An environment of its own for each group of contestants, in .venvs/peers, which git ignores."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.lineup import Contestant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".venvs" / "peers"


class Missing(Exception):
    """A contestant cannot take part here; the message says why."""


def bin_of(contestant: Contestant) -> Path:
    """Return the folder of a contestant's commands, installed if they are not yet.

    Raises Missing where its Python is not there or its packages cannot be had.
    """
    if contestant.group is None:
        return Path(sys.executable).parent
    requirements = HERE / f"requirements-{contestant.group}.txt"
    python = _python(contestant.needs_python)
    text = requirements.read_bytes() + python.encode()
    folder = FOLDER / f"{contestant.group}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        _install(folder, python, requirements)
    return folder / "bin"


def _install(folder: Path, python: str, requirements: Path) -> None:
    print(f"Installing {requirements.name}...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    done = subprocess.run(
        [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        + ["--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise Missing(f"pip cannot install {requirements.name}: {done.stderr.strip()[-300:]}")
    (folder / "ready").touch()


def _python(needed: tuple[int, int]) -> str:
    """Return an interpreter that is new enough: ours if it is, else the first that is found."""
    if sys.version_info[:2] >= needed:
        return sys.executable
    versions = [f"{needed[0]}.{minor}" for minor in range(needed[1], needed[1] + 4)]
    for version in versions:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        known = sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
        found = str(known[-1]) if known else shutil.which(f"python{version}")
        if found:
            return found
    raise Missing(f"it needs Python {versions[0]} or newer, and there is none on this machine")
