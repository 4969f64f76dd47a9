"""Where a child process begins: it becomes a worker, or tells the supervisor why it cannot.

This module needs no settings and no apps, so that it can be imported whatever is wrong with them.
"""

import os
import traceback
from multiprocessing.connection import Connection

from djtasks.worker.config import ChildConfig, Shared
from djtasks.worker.messages import CannotStart

CANNOT_START = 1


def enter(connection: Connection, config: ChildConfig, shared: Shared) -> None:
    """Run the child. Never returns."""
    reason = _run(connection, config, shared)
    connection.send(CannotStart(reason))
    os._exit(CANNOT_START)


def _run(connection: Connection, config: ChildConfig, shared: Shared) -> str:
    """Run the child until it ends its process; return the traceback of what prevents it."""
    try:
        from djtasks.worker import preload  # noqa: PLC0415 - where there is no forkserver, it sets up

        if preload.failure is not None:
            return preload.failure
        from djtasks.worker.child.process import main  # noqa: PLC0415 - it needs settings and apps

        main(connection, config, shared)
    except BaseException:  # noqa: BLE001 - the supervisor decides what follows
        return traceback.format_exc()
    return "The main function of the child has returned."
