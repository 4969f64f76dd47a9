"""The health file: there and fresh while its process makes progress, gone when it does not."""

import json
import os
import tempfile
from pathlib import Path

from djtasks.worker.probes.health import Health


class HealthFile:
    """A file that is replaced as a whole, so that nobody ever reads half of it.

    Readable by its owner alone. A process that died or was stopped leaves it behind, so
    readers look at its age too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, health: Health) -> None:
        """Write it anew, or take it away; raises OSError when the folder does not let us."""
        if not health.is_live:
            self.remove()
            return
        facts = {"pid": os.getpid(), "ready": health.is_ready, "reasons": list(health.reasons)}
        # Under a name that nobody can guess and have waiting for us, in the same folder.
        handle, made = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump(facts, file)
        Path(made).replace(self._path)

    def remove(self) -> None:
        """Take it away."""
        self._path.unlink(missing_ok=True)
