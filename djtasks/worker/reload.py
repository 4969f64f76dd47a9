"""Autoreload around a worker: a thin process that starts the real one and waits.

Django's reloader runs its command in a thread, where no signal handler can be set, and exits
without waiting for children. So what it runs holds the real worker by a pipe: when this
process ends, for a code change, Ctrl-C or by force, the pipe closes and the worker drains.
"""

import subprocess
import sys
from collections.abc import Sequence

from django.utils import autoreload


def run_reloading(arguments: Sequence[str]) -> None:
    """Run `manage.py` with these arguments, without its own reloading, again at each change."""
    autoreload.run_with_reloader(lambda: _hold(arguments))


def _hold(arguments: Sequence[str]) -> None:
    command = [sys.executable, sys.argv[0], *arguments, "--no-reload", "--held"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
    worker.wait()
