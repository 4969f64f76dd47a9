"""Tell values that a database refuses from other errors."""

from django.db import DatabaseError

from djtasks.store.errors import DatabaseFailure, classify


def is_refused(error: DatabaseError) -> bool:
    """Return whether the database can never store or compare a value of the statement."""
    return classify(error) is DatabaseFailure.REFUSED
