"""The project's own code at the start and at the polite end of a process that runs tasks."""

import atexit
import logging
import os
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any

from django.dispatch import Signal

from djtasks.backend import DjtasksBackend
from djtasks.signals import process_started, process_stopping

logger = logging.getLogger("djtasks.worker")

# How long a process may take to end after its last task.
END_SECONDS = 5.0
_CUT_OFF = b"A hook at the end of a djtasks process took too long and was cut off.\n"


def announce_start(backend: str) -> None:
    """Send process_started, before this process takes its first task."""
    send(process_started, backend=backend)


def announce_end(backend: str) -> None:
    """Send process_stopping, after the results of all tasks of this process are written."""
    send(process_stopping, backend=backend)


def end_like_a_program(backend: str) -> None:
    """Send process_stopping, run the hooks of `atexit` and flush what was printed.

    A hook that takes longer than END_SECONDS is cut off: the process ends.
    """
    limit = threading.Timer(END_SECONDS, _cut_off)
    limit.daemon = True
    limit.start()
    announce_end(backend)
    try:
        atexit._run_exitfuncs()  # noqa: SLF001 - a thread ends this process, so Python does not
    except BaseException:
        logger.exception("An atexit hook raised")
    flush()
    limit.cancel()


def flush() -> None:
    """Write out what tasks have printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def print_by_lines() -> None:
    """Write each line that a task prints at once: a process that is killed flushes nothing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # something else took its place
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def leave_finalizers_to_others() -> None:
    """Leave what was made before the fork, such as a module's TemporaryDirectory, at our end.

    The other processes that were forked with it still use it.
    """
    for one in list(getattr(weakref.finalize, "_registry", ())):
        one.atexit = False


def send(signal: Signal, **facts: Any) -> None:
    """Send a signal about a process; whatever a receiver raises is logged."""
    try:
        signal.send_robust(DjtasksBackend, **facts)
    except BaseException:
        # Such as the SystemExit of a receiver, which send_robust() lets through.
        logger.exception("A receiver of a process's signal raised")


def _cut_off() -> None:
    # In a thread of its own: if nobody reads the output, the write never returns.
    told = threading.Thread(target=os.write, args=(2, _CUT_OFF), daemon=True)
    told.start()
    told.join(1)
    os._exit(0)
