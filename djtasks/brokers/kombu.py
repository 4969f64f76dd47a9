"""The kombu broker: RabbitMQ, and every other transport that kombu supports.

A message has 24 bytes, the rank and the id of a hint, and is acknowledged when it is taken. A
server's queues have no ranks, so each djtasks queue is three server queues, one per priority band.
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from djtasks.brokers.base import NamespaceGetter, Problem
from djtasks.brokers.deadline import Deadline
from djtasks.brokers.kombu_wire import Letter, Wire, open_wire
from djtasks.brokers.line import ConnectionThread
from djtasks.errors import BrokerUnavailable
from djtasks.options import Options
from djtasks.protocol.hints import Hint, priority_of

logger = logging.getLogger("djtasks.brokers")

PUSH_LIMIT = 0.4
POP_LIMIT = 3.0
LONGEST_WAIT = timedelta(seconds=1)
BANDS = ("high", "normal", "low")
_SHORTEST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1
_ID_BYTES = 16
_BODY_BYTES = 8 + _ID_BYTES
_LONGEST_NAME = 80  # Amazon SQS

R = TypeVar("R")


class KombuBroker:
    """Keeps hints in queues of OPTIONS["broker_url"]; pushes and pops use one connection each."""

    holds_once = False
    ranks_exactly = False

    def __init__(self, alias: str, options: Options, namespace: NamespaceGetter) -> None:
        url, settings = options.broker_url or "", dict(options.broker_options)
        self._server = _server(url)
        self._alias = alias
        self._namespace = namespace
        self._known_names: dict[tuple[str, str], str] = {}
        deadline = Deadline()

        def connect() -> Wire:
            return open_wire(url, dict(settings), deadline)

        self._push_line: ConnectionThread[Wire] = ConnectionThread(connect, deadline)
        self._pop_line: ConnectionThread[Wire] = ConnectionThread(connect, deadline)

    def push(self, hints: Sequence[Hint]) -> int:
        """See Broker. After the deadline it skips the remaining hints; the indexer pushes them."""
        if not hints:
            return 0
        ends_at = time.monotonic() + PUSH_LIMIT * 0.8  # leaves time for the answer
        letters = [(self._name(hint.queue, _band(hint.score)), _body(hint)) for hint in hints]

        def send(wire: Wire) -> int:
            wire.declare(name for name, _body in letters)
            return wire.send(letters, ends_at=ends_at)

        return self._ask(self._push_line, send, seconds=PUSH_LIMIT)

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        names = self._names(queues)
        ends_at = time.monotonic() + min(wait, LONGEST_WAIT).total_seconds()
        pause = _SHORTEST_PAUSE

        def take(wire: Wire) -> list[Letter]:
            wire.declare(names)
            return wire.take(names, limit=limit)

        while True:
            ids = _ids(self._ask(self._pop_line, take, seconds=POP_LIMIT), names)
            left = ends_at - time.monotonic()
            if ids or left <= 0:
                return ids
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        if not queues:
            return {}
        names = self._names(queues)

        def count(wire: Wire) -> list[int]:
            wire.declare(names)
            return wire.count(names)

        counts = iter(self._ask(self._push_line, count, seconds=PUSH_LIMIT))
        return {queue: sum(next(counts) for _band in BANDS) for queue in queues}

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        """Do nothing: servers cannot find a message by its content, and claims refuse the ids."""

    def diagnose(self) -> list[Problem]:
        try:
            self._ask(self._pop_line, lambda _wire: None, seconds=POP_LIMIT)
        except BrokerUnavailable as error:
            return [
                Problem(
                    code="unreachable",
                    message=str(error),
                    remedy="Start the server or correct OPTIONS['broker_url']. Meanwhile, "
                    "workers fetch tasks from the database.",
                )
            ]
        return []

    def _names(self, queues: Sequence[str]) -> list[str]:
        return [self._name(queue, band) for queue in queues for band in BANDS]

    def _name(self, queue: str, band: str) -> str:
        known = self._known_names.get((queue, band))
        if known is None:
            known = queue_name(self._namespace(), self._alias, queue, band)
            self._known_names[queue, band] = known
        return known

    def _ask(
        self, line: ConnectionThread[Wire], question: Callable[[Wire], R], *, seconds: float
    ) -> R:
        try:
            return line.ask(question, seconds=seconds)
        except Exception as error:
            # Each transport has its own exceptions, without a common base class.
            what = str(error) or type(error).__name__
            raise BrokerUnavailable(f"{self._server} did not answer: {what}") from error


def queue_name(namespace: str, alias: str, queue: str, band: str) -> str:
    """Return the name of a queue on the server: letters, digits, "-", and "_" as the escape.

    At most 80 characters; a longer name is cut and ends in a digest.
    """
    name = "-".join(["djtasks", *map(_escaped, (namespace, alias, queue)), band])
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    return f"{name[: _LONGEST_NAME - len(digest) - 1]}-{digest}"


def _escaped(text: str) -> str:
    return re.sub(
        "[^A-Za-z0-9]", lambda match: "".join(f"_{byte:02x}" for byte in match[0].encode()), text
    )


def _band(score: int) -> str:
    priority = priority_of(score)
    return "normal" if priority == 0 else "high" if priority > 0 else "low"


def _body(hint: Hint) -> bytes:
    return hint.score.to_bytes(8, "big") + hint.id.bytes


def _ids(letters: Sequence[Letter], names: Sequence[str]) -> list[UUID]:
    """Return the ids, best first; drop messages that are not ours."""
    good = [(name, body) for name, body in letters if len(body) == _BODY_BYTES]
    if len(good) < len(letters):
        logger.warning("Dropped garbage from index count=%s", len(letters) - len(good))
    place = {name: number for number, name in enumerate(names)}
    good.sort(key=lambda letter: (place[letter[0]], letter[1]))
    return [UUID(bytes=body[-_ID_BYTES:]) for _name, body in good]


def _server(url: str) -> str:
    """Return the server's URL without its password; raise ImproperlyConfigured if unusable."""
    try:
        return str(Connection(url).as_uri())
    except Exception as error:
        # When a driver is missing, each transport raises something else.
        raise ImproperlyConfigured(
            f"OPTIONS['broker_url'] names the kombu transport {urlsplit(url).scheme!r}, which "
            f"cannot be used: {error.args[0] if error.args else error}"
        ) from error
