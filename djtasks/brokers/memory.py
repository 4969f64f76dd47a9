"""A broker inside one process, for tests; the shortest example of the contract."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from djtasks.brokers.base import NamespaceGetter, Problem
from djtasks.options import Options
from djtasks.protocol.hints import Hint


class MemoryBroker:
    """Keeps hints in dicts. They are lost when the process ends; the indexer pushes them again."""

    holds_once = True
    ranks_exactly = True

    def __init__(self, alias: str, options: Options, namespace: NamespaceGetter) -> None:
        self._queues: dict[str, dict[UUID, int]] = {}
        self._changed = threading.Condition()

    def push(self, hints: Sequence[Hint]) -> int:
        with self._changed:
            new = 0
            for hint in hints:
                queue = self._queues.setdefault(hint.queue, {})
                new += hint.id not in queue
                queue[hint.id] = hint.score
            self._changed.notify_all()
            return new

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        deadline = time.monotonic() + wait.total_seconds()
        with self._changed:
            while True:
                for name in queues:
                    taken = self._take(self._queues.get(name, {}), limit)
                    if taken:
                        return taken
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self._changed.wait(remaining):
                    return []

    @staticmethod
    def _take(queue: dict[UUID, int], limit: int) -> list[UUID]:
        best = sorted(queue, key=lambda id_: (queue[id_], id_.bytes))[:limit]
        for id_ in best:
            del queue[id_]
        return best

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        with self._changed:
            return {name: len(self._queues.get(name, {})) for name in queues}

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        with self._changed:
            for id_ in ids:
                self._queues.get(queue, {}).pop(id_, None)

    def diagnose(self) -> list[Problem]:
        return []
