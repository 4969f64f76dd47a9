"""The stacks of a child's threads, which its fault handler writes on request."""

import contextlib
import os
import signal
import sys
import tempfile
import time

_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.05


class Stacks:
    """A file without a name: no cleaner of temporary files removes it, no kill leaves it behind."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child lives

    def fileno(self) -> int:
        """Return the descriptor of the file, which the fault handler of the child needs."""
        return self._file.fileno()

    def ask(self, pid: int) -> str:
        """Return the stacks of all threads of this child, even while C code holds its GIL.

        "" if it is gone, or does not answer within two seconds.
        """
        if sys.platform == "win32":
            return ""
        start = self._size()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        size = start
        while time.monotonic() < deadline:
            before, size = size, self._size()
            if start < size == before:
                break
            time.sleep(_POLL_SECONDS)
        return os.pread(self._file.fileno(), size - start, start).decode(errors="replace")

    def close(self) -> None:
        """Close the file, which deletes it."""
        self._file.close()

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size
