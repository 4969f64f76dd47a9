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
    # The dictionary first: is_installed() looks at one app after the other.
    if "djtasks" not in apps.app_configs and not apps.is_installed("djtasks"):
        raise ImproperlyConfigured(MISSING_APP)
    from djtasks.models import TaskRecord

    return router.db_for_write(TaskRecord)


def open_store(backend: str) -> Store:
    """Return the store for the records of TASKS alias `backend`; runs no query."""
    database = queue_database()
    if connections[database].vendor == "postgresql":
        from djtasks.store.postgres import PostgresStore  # needs psycopg

        return PostgresStore(database, backend)
    from djtasks.store.portable import PortableStore

    return PortableStore(database, backend)
