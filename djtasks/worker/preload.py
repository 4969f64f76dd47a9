"""Imported once by the forkserver, so that children start fast and share its memory.

It sets Django up, imports all tasks and closes all connections: all children would share a
connection that some `AppConfig.ready` has opened.
"""

import gc
import importlib

import django
from django.apps import apps
from django.db import connections


def warm_up() -> None:
    """Set Django up, then import what every child needs and the tasks of every alias."""
    if not apps.ready:
        django.setup()
    importlib.import_module("djtasks.worker.child.process")
    registry = importlib.import_module("djtasks.definitions.registry")
    engine = importlib.import_module("djtasks.engine")
    operations = importlib.import_module("djtasks.operations")
    for alias in engine.our_aliases():
        registry.import_tasks(engine.engine_of(alias).options.imports)
        operations.bulk_task(alias)
    connections.close_all()
    gc.collect()
    # These objects live as long as the process: no collection should touch (and unshare) them.
    gc.freeze()


warm_up()
