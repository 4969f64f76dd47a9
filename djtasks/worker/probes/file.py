"""The health file: it exists and is fresh while its process makes progress, else it is removed."""

import json
import os
import tempfile
from pathlib import Path

from djtasks.worker.probes.health import Health


class HealthFile:
    """A file that is replaced atomically, so that no reader sees half of it.

    Only its owner can read it. A process that died or was stopped leaves it behind, so readers
    must check its age, too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, health: Health) -> None:
        """Rewrite the file, or remove it if the process is not live. Raises OSError."""
        if not health.is_live:
            self.remove()
            return
        facts = {"pid": os.getpid(), "ready": health.is_ready, "reasons": list(health.reasons)}
        # In the same folder, under a name that nobody can guess and create before us.
        handle, made = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump(facts, file)
        Path(made).replace(self._path)

    def remove(self) -> None:
        """Remove the file if it exists."""
        self._path.unlink(missing_ok=True)
