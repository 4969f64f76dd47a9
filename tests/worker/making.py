"""Small makers for worker tests: claims, pipelines, and a store whose answers get lost."""

from typing import Any
from uuid import UUID

from django.db import OperationalError

from djtasks.formats.ids import new_id
from djtasks.protocol.records import Claim
from djtasks.store import Store, open_store
from djtasks.worker.attempts.running import Work
from tests import tasks as tasks  # registered by being imported

WORKER = new_id()


def claim_of(path: str, *args: Any, **changes: Any) -> Claim:
    """Return a claim of a task with these positional arguments, as if the database gave it."""
    import json

    fields: dict[str, Any] = {
        "id": new_id(),
        "fence": 1,
        "task_path": path,
        "queue": "default",
        "priority": 0,
        "args": json.dumps(args),
        "kwargs": "{}",
        "attempt": 0,
        "crash_count": 0,
        "max_attempts": 1,
        "max_crashes": 3,
        "timeout": None,
        "waited": 0.0,
        "is_expired": False,
        "enqueued_at": 0.0,
        "errors": None,
        "worker_ids": None,
    }
    return Claim(**fields | changes)


def work_of(path: str, *args: Any, **changes: Any) -> Work:
    """Return such a claim with its task."""
    return Work.of(claim_of(path, *args, **changes))


def claim_all(worker: UUID, backend: str = "default", limit: int = 1000) -> list[Claim]:
    """Claim whatever is due, straight from the database."""
    store = open_store(backend)
    return store.claim_due(store.scan().lanes, worker=worker, limit=limit)


class LostReplies:
    """A store that does what it is asked and then, for chosen methods, loses the answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.losing: dict[str, int] = {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        def asked(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            answer = real(*args, **kwargs)
            if self.losing.get(name, 0) > 0:
                self.losing[name] -= 1
                raise OperationalError(f"the answer to {name} got lost")
            return answer

        return asked
