"""Classify database errors: retry for ever, retry each row alone, or give up."""

from enum import Enum

from django.db import DatabaseError, DataError, IntegrityError, OperationalError

_PG_LOCKED = {"55P03", "57014", "40P01", "40001"}  # lock or statement timeout, deadlock, retry
_PG_REFUSED = {"54000", "54001"}  # a value beyond the server's limits
_MYSQL_LOCKED = {1205, 1213, 1969, 3024}  # lock wait timeout, deadlock, statement timeout
# Packet or data too large; a character that the column or the session does not have; not JSON.
_MYSQL_REFUSED = {1153, 1406, 1267, 1300, 1366, 3988, 3140, 4025}
_SQLITE_REFUSED = ("too big", "too large", "malformed JSON")


_DEADLOCKS = {"40P01", 1213}


class DatabaseFailure(Enum):
    """What kind of failure a database error is.

    AWAY: the database does not answer. LOCKED: another transaction is in the way for now.
    REFUSED: the database will never accept a value in the statement.
    """

    AWAY = "away"
    LOCKED = "locked"
    REFUSED = "refused"


def classify(error: DatabaseError) -> DatabaseFailure:
    """Return what kind of failure a Django database error is.

    An unknown error counts as AWAY, which is retried for ever and fails no task: a missing
    column in the middle of a migration must not turn results into failures.
    """
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None)
    code = cause.args[0] if cause is not None and cause.args else None
    if sqlstate in _PG_LOCKED or code in _MYSQL_LOCKED:
        return DatabaseFailure.LOCKED
    if sqlstate in _PG_REFUSED or code in _MYSQL_REFUSED:
        return DatabaseFailure.REFUSED
    if isinstance(error, DataError | IntegrityError):
        return DatabaseFailure.REFUSED
    if isinstance(error, OperationalError) and any(t in str(error) for t in _SQLITE_REFUSED):
        return DatabaseFailure.REFUSED
    return DatabaseFailure.AWAY


def is_deadlock(error: DatabaseError) -> bool:
    """Return whether the database has ended this transaction to let another one go on."""
    cause = error.__cause__
    code = cause.args[0] if cause is not None and cause.args else None
    return getattr(cause, "sqlstate", None) in _DEADLOCKS or code in _DEADLOCKS
