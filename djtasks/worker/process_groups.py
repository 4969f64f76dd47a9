"""Process groups: each child leads one, so that what its tasks started can be ended with it."""

import os
import signal
import sys
from contextlib import suppress


def lead() -> None:
    """Make this process the leader of a group of its own.

    A terminal then sends its Ctrl-C to the supervisor only.
    """
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.setpgid(0, 0)


def kill(leader: int) -> None:
    """Kill a child and the programs that its tasks started, if it leads a group."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def kill_orphans(leader: int) -> None:
    """Kill the programs of a child that is gone.

    The system does not give its pid to another process while its group exists.
    """
    if sys.platform != "win32":
        try:
            os.getpgid(leader)
        except ProcessLookupError:
            kill(leader)


def kill_own() -> None:
    """Kill this process and the programs that its tasks started, if it leads a group."""
    if sys.platform != "win32" and os.getpgid(0) == os.getpid():
        kill(os.getpid())
