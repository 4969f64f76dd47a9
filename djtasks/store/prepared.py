"""The INSERT that `enqueue()` repeats outside a transaction, as a prepared statement.

A project's connections prepare no statement, since Django turns that off. So the server parses and
plans the same INSERT again each time, and psycopg quotes its values again. Both take longer than
the INSERT itself.
"""

import logging
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends import utils
from psycopg import NotSupportedError, ProgrammingError, errors, generators, pq

from djtasks.formats.originals import is_original
from djtasks.protocol.records import NewRecord
from djtasks.store.sessions import is_pooled
from djtasks.store.statements import sql
from djtasks.store.statements.columns import GIVEN, given

logger = logging.getLogger("djtasks.store")

TIMES_PLANNED = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_SUCH_STATEMENT = b"26000"
_BINARY = 1
# A value in PostgreSQL's binary format, by the type of its column.
_ENCODE: dict[str, Callable[[Any], bytes]] = {
    "uuid": lambda id_: id_.bytes,
    "text": str.encode,
    "smallint": struct.Struct("!h").pack,
    "jsonb": lambda text: b"\x01" + text.encode(),
}
_ENCODERS = [_ENCODE[column.type] for column in GIVEN]
_FORMATS = [_BINARY] * len(GIVEN)


class PlainInsert:
    """Inserts records that fill no columns but GIVEN; from the sixth on with a prepared statement.

    Django inserts them in a transaction, which a statement that the session has lost would break,
    behind a pooler, and where the project or a tool logs or wraps queries, or has its own engine.
    Outside a transaction, a lost statement costs nothing: the record is inserted without it. This
    happens once in a process, since whatever discards the statements of a session, such as a pooler
    that Django is not told about, will do it again.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._is_possible = True
        self._times: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def insert(self, record: NewRecord) -> datetime:
        """Insert one record; return when it was enqueued, by the database's clock, in UTC."""
        connection: Any = connections[self._database]
        microseconds = self._insert_prepared(connection, record) if self._is_possible else None
        if microseconds is None:
            with connection.cursor() as cursor:
                cursor.execute(sql.INSERT_PLAIN, given(record))
                (microseconds,) = cursor.fetchone()
        # A number, since Django reads a moment by code in Python, which takes 7 µs.
        return _EPOCH + timedelta(microseconds=microseconds)

    def _insert_prepared(self, connection: Any, record: NewRecord) -> int | None:
        """Return the answer to INSERT_PLAIN; None if it is not, or no longer, prepared."""
        if connection.in_atomic_block or connection.execute_wrappers or connection.queries_logged:
            return None
        if not is_original(utils.CursorWrapper.execute, utils):
            return None
        # What Django does before it makes a cursor.
        connection.validate_thread_sharing()
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        with connection.wrap_database_errors:
            if not self._is_prepared(connection):
                return None
            try:
                parameters = [encode(v) for encode, v in zip(_ENCODERS, given(record), strict=True)]
            except (struct.error, UnicodeError):
                return None  # Django raises the right error
            return self._execute(connection.connection, parameters)

    def _is_prepared(self, connection: Any) -> bool:
        session = connection.connection
        if not session.autocommit or session.pgconn.pipeline_status:
            return False
        times = self._times.get(session, 0)
        if times > TIMES_PLANNED:
            return True
        if _is_special(connection) or (times == TIMES_PLANNED and not self._prepare(connection)):
            return False
        self._times[session] = times + 1
        return times == TIMES_PLANNED

    def _prepare(self, connection: Any) -> bool:
        try:
            connection.connection.execute(sql.PREPARE_PLAIN)
        except (ProgrammingError, NotSupportedError) as error:
            self._give_up(error)
            return False
        return True

    def _execute(self, session: Any, parameters: list[bytes]) -> int | None:
        with session.lock:
            session.pgconn.send_query_prepared(sql.PLAIN_NAME, parameters, _FORMATS, _BINARY)
            (result,) = session.wait(generators.execute(session.pgconn))
        if result.status == pq.ExecStatus.TUPLES_OK:
            return int.from_bytes(result.get_value(0, 0), signed=True)
        if result.error_field(pq.DiagnosticField.SQLSTATE) != _NO_SUCH_STATEMENT:
            raise errors.error_from_result(result)
        self._give_up("the session has lost it")
        return None

    def _give_up(self, reason: object) -> None:
        self._is_possible = False
        logger.debug("The INSERT of enqueue() is no longer prepared reason=%s", reason)


def _is_special(connection: Any) -> bool:
    """Return whether a statement may not last, or cursors may do more than those of Django."""
    kinds = (type(connection), connection.connection.cursor_factory)
    return is_pooled(connection) or not all(k.__module__.startswith("django.") for k in kinds)
