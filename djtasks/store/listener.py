"""PostgreSQL's NOTIFY as an alarm clock for workers without a broker."""

import logging
import time
from typing import Any

from django.db import DatabaseError, connections

from djtasks.store.sessions import is_pooled

logger = logging.getLogger("djtasks.worker")


class Listener:
    """Listens on one channel, on the calling thread's own engine connection."""

    def __init__(self, database: str, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._listening_on: Any = None

    @staticmethod
    def is_possible(database: str) -> bool:
        """Return whether a session of ours would hear a NOTIFY: PostgreSQL, no pgbouncer."""
        connection = connections[database]
        return connection.vendor == "postgresql" and not is_pooled(connection)

    def wait(self, seconds: float) -> bool:
        """Wait until somebody notifies, at most so long; True when there was news.

        Never raises for a lost connection: the next statement of the thread will.
        """
        connection: Any = connections[self._database]
        try:
            connection.ensure_connection()
            if self._listening_on is not connection.connection:
                with connection.cursor() as cursor:
                    cursor.execute(f'LISTEN "{self._channel}"')
                self._listening_on = connection.connection
                return True  # what came before we listened is found by looking again
            return any(True for _ in connection.connection.notifies(timeout=seconds, stop_after=1))
        except (DatabaseError, OSError, connection.Database.Error) as error:
            logger.debug("Listener lost its connection error=%s", error)
            time.sleep(min(seconds, 0.2))
            return False
