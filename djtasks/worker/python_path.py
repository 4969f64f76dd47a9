"""Hand sys.path to the processes that a supervisor starts, without a trace in their environment."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The PYTHONPATH of the supervisor's own start, while it starts a process with its sys.path.
_GIVEN = "DJTASKS_GIVEN_PYTHONPATH"


@contextmanager
def handed_over() -> Iterator[None]:
    """Start processes with our sys.path: manage.py may have been started from another folder."""
    given = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    os.environ[_GIVEN] = given or ""
    try:
        yield
    finally:
        restore()


def restore() -> None:
    """Set PYTHONPATH to what it was when the worker started.

    Tasks, and the programs they start, must not see ours: another Python fails with it.
    """
    given = os.environ.pop(_GIVEN, None)
    if given:
        os.environ["PYTHONPATH"] = given
    elif given is not None:
        os.environ.pop("PYTHONPATH", None)
