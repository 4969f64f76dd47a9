"""Stores of task records: one contract, tuned for PostgreSQL, portable for other databases.

Models are imported when a store is opened: an app may define tasks while apps load.
"""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from djtasks.store.base import Lane, Snapshot, Store

__all__ = [
    "MISSING_APP",
    "Lane",
    "Snapshot",
    "Store",
    "open_store",
    "queue_database",
]

MISSING_APP = (
    "djtasks stores tasks in its own tables, but 'djtasks' is not in INSTALLED_APPS. Add it, then "
    "run `manage.py migrate`."
)


def queue_database() -> str:
    """Return the DATABASES alias that the project's routers choose for the records.

    Raises ImproperlyConfigured if the app is not installed.
    """
    if not apps.is_installed("djtasks"):
        raise ImproperlyConfigured(MISSING_APP)
    from djtasks.models import TaskRecord

    return router.db_for_write(TaskRecord)


def open_store(backend: str) -> Store:
    """Return the store for the records of TASKS alias `backend`; runs no query."""
    database = queue_database()
    from djtasks.store.portable import PortableStore
    from djtasks.store.postgres import PostgresStore

    if connections[database].vendor == "postgresql":
        return PostgresStore(database, backend)
    return PortableStore(database, backend)
