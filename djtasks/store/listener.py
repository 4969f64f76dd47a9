"""Wake workers without a broker by PostgreSQL's NOTIFY."""

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
        """Return whether our sessions can receive a NOTIFY: PostgreSQL without a pgbouncer."""
        connection = connections[database]
        return connection.vendor == "postgresql" and not is_pooled(connection)

    def wait(self, seconds: float) -> bool:
        """Wait for a NOTIFY, at most `seconds`; return whether the caller should fetch.

        Never raises for a lost connection: the thread's next statement does.
        """
        connection: Any = connections[self._database]
        try:
            connection.ensure_connection()
            if self._listening_on is not connection.connection:
                with connection.cursor() as cursor:
                    cursor.execute(f'LISTEN "{self._channel}"')
                self._listening_on = connection.connection
                return True  # a fetch finds what arrived before we listened
            return any(True for _ in connection.connection.notifies(timeout=seconds, stop_after=1))
        except (DatabaseError, OSError, connection.Database.Error) as error:
            logger.debug("Listener lost its connection error=%s", error)
            time.sleep(min(seconds, 0.2))
            return False
