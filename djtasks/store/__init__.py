"""Stores of task records: one contract, tuned for PostgreSQL, portable for other databases."""

from django.db import connections, router

from djtasks.models import TaskRecord
from djtasks.store.base import Lane, Snapshot, Store
from djtasks.store.portable import PortableStore
from djtasks.store.postgres import PostgresStore

__all__ = ["Lane", "Snapshot", "Store", "open_store", "queue_database"]


def queue_database() -> str:
    """Return the DATABASES alias that the project's routers choose for the records."""
    return router.db_for_write(TaskRecord)


def open_store(backend: str) -> Store:
    """Return the store for the records of TASKS alias `backend`; runs no query."""
    database = queue_database()
    if connections[database].vendor == "postgresql":
        return PostgresStore(database, backend)
    return PortableStore(database, backend)
