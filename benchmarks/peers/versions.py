"""Which versions a contestant runs with."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

_ASK = """
import json, platform, sys
from importlib.metadata import version
print(json.dumps({"Python": platform.python_version()} | {p: version(p) for p in sys.argv[1:]}))
"""


def versions_of(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of an interpreter and of packages in its environment."""
    done = subprocess.run(
        [str(python), "-c", _ASK, *packages], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found
