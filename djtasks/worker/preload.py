"""Imported once by the forkserver, so that children start fast and share its memory.

It sets Django up, imports all tasks and closes all connections, pools and clients of caches: all
children would share what some `AppConfig.ready` or module has opened.
"""

import gc
import importlib
import traceback

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


python_path.restore()
try:
    warm_up()
except BaseException:  # noqa: BLE001 - any module of the project may even exit
    failure = traceback.format_exc()
