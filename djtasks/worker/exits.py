"""How a process of a worker ends for good: in bounded time, whoever reads its output or not."""

import logging
import os
import threading
from typing import NoReturn

EXIT_CANNOT_START = 1
EXIT_STUCK = 70
_LOG_SECONDS = 2.0

logger = logging.getLogger("djtasks.worker")


def leave(code: int, *, why: str = "") -> NoReturn:
    """End the process without waiting for any thread.

    `why` is logged as critical. If nobody reads the log, it is lost after two seconds.
    """
    try:
        # In a thread of its own: the write, or the lock of a handler, may never come back.
        told = threading.Thread(target=_close_log, args=(why,), daemon=True)
        told.start()
        told.join(_LOG_SECONDS)
    finally:
        os._exit(code)


def _close_log(why: str) -> None:
    if why:
        logger.critical(why)
    logging.shutdown()
