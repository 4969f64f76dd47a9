"""Imported once by the forkserver, so that children start fast and share its memory.

It sets Django up, imports all tasks and closes all connections, pools and clients of caches: all
children would share what some `AppConfig.ready` or module has opened.
"""

import atexit
import gc
import importlib
import os
import shutil
import traceback
from multiprocessing import forkserver
from pathlib import Path

import django
from django.apps import apps

from djtasks.worker import python_path

# The traceback of `warm_up()`; None if it went well. The forkserver itself must not fail: it
# would swallow an ImportError, and die of any other error without a word to the supervisor.
failure: str | None = None


def warm_up() -> None:
    """Set Django up, then import what every child needs and the tasks of every alias."""
    if not apps.ready:
        django.setup()
    importlib.import_module("djtasks.worker.child.process")
    registry = importlib.import_module("djtasks.definitions.registry")
    engine = importlib.import_module("djtasks.engine")
    operations = importlib.import_module("djtasks.operations")
    forks = importlib.import_module("djtasks.store.forks")
    for alias in engine.our_aliases():
        registry.import_tasks(engine.engine_of(alias).options.imports)
        operations.bulk_task(alias)
    forks.close_before_fork()
    gc.collect()
    # These objects live as long as the process: no collection should touch (and unshare) them.
    gc.freeze()


def _remove_socket() -> None:
    """Remove the forkserver's socket and its folder: a killed supervisor has left them."""
    address = forkserver._forkserver._forkserver_address  # type: ignore[attr-defined] # noqa: SLF001
    if os.getpid() == _pid and address:
        shutil.rmtree(Path(address).parent, ignore_errors=True)


_pid = os.getpid()
atexit.register(_remove_socket)
python_path.restore()
try:
    warm_up()
except BaseException:  # noqa: BLE001 - any module of the project may even exit
    failure = traceback.format_exc()
