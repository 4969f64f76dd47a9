"""What a worker has in memory before it forks, and what it must not have open."""

import gc

from djtasks.definitions import registry
from djtasks.engine import engine_of, our_aliases
from djtasks.operations import bulk_task
from djtasks.store import open_store
from djtasks.store.forks import close_before_fork
from djtasks.worker.child import process as process


def load() -> None:
    """Import the tasks and the store of every alias. The code of a child comes with this module."""
    for alias in our_aliases():
        registry.import_tasks(engine_of(alias).options.imports)
        bulk_task(alias)
        open_store(alias)


def prepare_to_fork() -> None:
    """Close what no two processes may share, and let them share the memory of all else for long.

    A collection writes to each object that it looks at, and so copies the page that it lies on.
    After this, it looks at none of those that exist now.
    """
    close_before_fork()
    gc.collect()
    gc.freeze()
