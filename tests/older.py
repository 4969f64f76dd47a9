"""An older djtasks, out of the history of this repository, to run beside the working tree."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.structure import ROOT

# The last commit before the migrations 0004 (threads of workers) and 0005 (declared_at).
BEFORE_THREADS = "6440f47"
# The last commit before the migration 0008 (workflows).
BEFORE_WORKFLOWS = "6ae0486"


def unpack(commit: str, folder: Path) -> Path:
    """Write djtasks and its tests of a commit into a folder; skip the test without the history."""
    command = ["git", "archive", "--format=tar", commit, "djtasks", "tests"]
    try:
        made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"commit {commit} is not here: this is no clone, or a shallow one")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def path_of(*folders: Path) -> dict[str, str]:
    """Return the environment of a process that looks for modules in these folders first."""
    path = [*map(str, folders), *filter(None, sys.path)]
    # Else Python would look into the folder that it is started in before all of them.
    return {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1"}
