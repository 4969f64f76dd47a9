"""Brokers for tests of whoever pushes to one."""

import threading
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from django.test import override_settings

from djtasks.brokers.memory import MemoryBroker
from djtasks.errors import BrokerUnavailable
from djtasks.protocol.hints import Hint
from tests.settings import ENCRYPTION_KEYS, TASKS


class Recording(MemoryBroker):
    """Remembers each push, and fails or says it is full when told to."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pushes: list[list[Hint]] = []
        self.error: Exception | None = None
        self.depth: int | None = None
        self.entered = threading.Event()
        self.may_leave = threading.Event()
        self.may_leave.set()

    def push(self, hints: Sequence[Hint]) -> int:
        self.pushes.append(list(hints))
        self.entered.set()
        assert self.may_leave.wait(30)
        if self.error is not None:
            raise self.error
        return super().push(hints)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        known = super().depths(queues)
        return known if self.depth is None else dict.fromkeys(queues, self.depth)

    def break_down(self) -> None:
        self.error = BrokerUnavailable("broken for a test")


def with_broker(path: str = "tests.carriers.Recording", **options: Any) -> Any:
    """Return settings where TASKS["default"] has another broker."""
    changed = deepcopy(TASKS)
    changed["default"]["OPTIONS"] = {"broker": path, "encryption_keys": ENCRYPTION_KEYS, **options}
    return override_settings(TASKS=changed)
