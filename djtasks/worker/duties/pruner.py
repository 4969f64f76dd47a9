"""The pruner: deletes finished records beyond their retention, a page at a time."""

import logging
import time
from collections.abc import Iterator

from djtasks.engine import Engine
from djtasks.operations import prune

logger = logging.getLogger("djtasks.worker")

_ROUND_SECONDS = 60.0
_PAGE_PAUSE = 0.5


class Pruner:
    """Starts once a minute; deletes two pages a second until none is left."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pages: Iterator[int] | None = None
        self._count = 0
        self._not_before = time.monotonic() + _ROUND_SECONDS

    def tick(self) -> float:
        """Delete one page if it is time; return the pause in seconds until the next."""
        now = time.monotonic()
        if now < self._not_before:
            return self._not_before - now
        if self._pages is None:
            self._pages, self._count = iter(prune(self._engine)), 0
        deleted = next(self._pages, None)
        if deleted is None:
            if self._count:
                logger.info("Pruned finished records count=%s", self._count)
            self._pages = None
        self._count += deleted or 0
        pause = _ROUND_SECONDS if deleted is None else _PAGE_PAUSE
        self._not_before = now + pause
        return pause
