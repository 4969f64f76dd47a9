"""Connections of the kombu broker: a fast one for RabbitMQ, a plain one for other transports."""

import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from amqp import spec
from kombu import Connection
from kombu.transport import pyamqp

from djtasks.brokers.deadline import Deadline, DeadlineSocket

CONNECT_TIMEOUT = 0.25
_WINDOW = 100  # unconfirmed messages at once
_MANY = 4
_QUIET_SECONDS = 0.05
_QUORUM = {"x-queue-type": "quorum"}
# kombu would retry after two seconds; we fall back to the database instead.
_NO_RETRIES = {"max_retries": 0, "interval_start": 0}
_BINARY = {"content_type": "application/octet-stream", "content_encoding": "binary"}

Letter: TypeAlias = tuple[str, bytes]


class Wire(Protocol):
    """An open connection for one thread. Its methods raise whatever the transport raises."""

    def declare(self, names: Iterable[str]) -> None:
        """Create those of these queues that do not exist."""
        ...

    def send(self, letters: Sequence[Letter], *, ends_at: float) -> int:
        """Send bodies to queues in this order; return how many the server has stored.

        Stops between two messages when the monotonic time `ends_at` is near.
        """
        ...

    def take(self, names: Sequence[str], *, limit: int) -> list[Letter]:
        """Remove and return up to `limit` bodies of these queues, earlier queues first."""
        ...

    def count(self, names: Sequence[str]) -> list[int]:
        """Return how many messages each queue holds."""
        ...

    def close(self) -> None:
        """Close the connection, which may be broken."""
        ...


def open_wire(url: str, options: dict[str, Any], deadline: Deadline) -> Wire:
    """Connect; `options` are kombu's transport options, and `ssl`."""
    ssl = options.pop("ssl", None)
    options = _NO_RETRIES | options
    if not is_amqp(url):
        return AnyWire(Connection(url, ssl=ssl, transport_options=options, connect_timeout=1))
    connection = Connection(
        url,
        transport=_with_deadline(
            pyamqp.SSLTransport if url.startswith("amqps") else pyamqp.Transport, deadline
        ),
        ssl=ssl if ssl is not None else url.startswith("amqps"),
        transport_options=options,
        connect_timeout=CONNECT_TIMEOUT,
    )
    return AmqpWire(connection)


def is_amqp(url: str) -> bool:
    """Return whether py-amqp can talk to this server: RabbitMQ or a similar one."""
    return url.partition(":")[0] in ("amqp", "amqps", "pyamqp")


class AnyWire:
    """Any kombu transport, used through the features that all of them share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel = connection.default_channel
        self._declared: set[str] = set()

    def declare(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._declared:
                self._channel.queue_declare(queue=name, durable=True, auto_delete=False)
                self._declared.add(name)

    def send(self, letters: Sequence[Letter], *, ends_at: float) -> int:
        for number, (name, body) in enumerate(letters):
            if time.monotonic() >= ends_at:
                return number
            # In the anonymous exchange, a routing key is the name of a queue.
            message = self._channel.prepare_message(body, **_BINARY)
            self._channel.basic_publish(message, exchange="", routing_key=name)
        return len(letters)

    def take(self, names: Sequence[str], *, limit: int) -> list[Letter]:
        taken: list[Letter] = []
        for name in names:
            while len(taken) < limit:
                message = self._channel.basic_get(name, no_ack=True)
                if message is None:
                    break
                taken.append((name, _bytes(message.body)))
        return taken

    def count(self, names: Sequence[str]) -> list[int]:
        return [self._channel.queue_declare(name, passive=True).message_count for name in names]

    def close(self) -> None:
        self._connection.close()


class AmqpWire:
    """RabbitMQ: quorum queues and confirmed messages, hundreds of requests per round trip."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel = connection.default_channel
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._declared: set[str] = set()
        self._unconfirmed: set[int] = set()
        self._sent = 0

    def declare(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._declared:
                self._channel.queue_declare(
                    queue=name, durable=True, auto_delete=False, arguments=_QUORUM
                )
                self._declared.add(name)

    def send(self, letters: Sequence[Letter], *, ends_at: float) -> int:
        sent = 0
        while sent < len(letters):
            began = time.monotonic()
            window = letters[sent : sent + _WINDOW]
            self._publish(window)
            try:
                while self._unconfirmed:
                    self._connection.drain_events(timeout=_left(ends_at))
            except TimeoutError:
                if not sent:
                    raise
                break  # the server is slow but answers
            sent += len(window)
            now = time.monotonic()
            if now + (now - began) > ends_at:
                break  # another window would not finish in time
        return sent

    def _publish(self, letters: Sequence[Letter]) -> None:
        for name, body in letters:
            self._sent += 1
            self._unconfirmed.add(self._sent)
            message = self._channel.prepare_message(
                body, properties={"delivery_mode": 2}, **_BINARY
            )
            self._channel.basic_publish(message, exchange="", routing_key=name)

    def take(self, names: Sequence[str], *, limit: int) -> list[Letter]:
        taken: list[Letter] = []
        for name, count in zip(names, self.count(names), strict=True):
            wanted = min(count, limit - len(taken))
            if wanted > 0:
                messages = self._few(name, wanted) if wanted < _MANY else self._many(name, wanted)
                taken += [(name, _bytes(message.body)) for message in messages]
        return taken

    def _few(self, name: str, wanted: int) -> list[Any]:
        got = (self._channel.basic_get(name, no_ack=True) for _ in range(wanted))
        return [message for message in got if message is not None]

    def _many(self, name: str, wanted: int) -> list[Any]:
        """Subscribe for `wanted` messages: a quorum queue logs each get, but these together."""
        came: list[Any] = []
        self._channel.basic_qos(0, wanted, a_global=False)
        tag = self._channel.basic_consume(name, no_ack=False, callback=came.append)
        with suppress(TimeoutError):  # others took them first
            while len(came) < wanted:
                self._connection.drain_events(timeout=_QUIET_SECONDS)
        self._channel.basic_cancel(tag)
        if came:
            self._channel.basic_ack(came[-1].delivery_tag, multiple=True)
        return came

    def count(self, names: Sequence[str]) -> list[int]:
        for name in names:
            # A passive declare returns the count. If the queue was deleted, it ends the channel.
            self._channel.send_method(
                spec.Queue.Declare, "BsbbbbbF", (0, name, True, False, False, False, False, None)
            )
        answers = [self._channel.wait(spec.Queue.DeclareOk, returns_tuple=True) for _ in names]
        return [int(messages) for _name, messages, _consumers in answers]

    def close(self) -> None:
        # Without a close handshake: a broken connection would wait for the answer.
        self._connection.collect()

    def _on_ack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's call
        if multiple:
            self._unconfirmed = {one for one in self._unconfirmed if one > tag}
        else:
            self._unconfirmed.discard(tag)

    def _on_nack(self, tag: int, multiple: bool) -> None:  # noqa: ARG002, FBT001
        raise ConnectionError("the server refused a message")


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the server did not confirm in time")
    return left


def _bytes(body: Any) -> bytes:
    # A foreign message may already be decoded to text.
    return body if isinstance(body, bytes) else str(body).encode()


def _with_deadline(transport_class: Any, deadline: Deadline) -> Any:
    """Return a subclass of kombu's AMQP transport whose sockets apply the deadline."""

    class DeadlineConnection(pyamqp.Connection):  # type: ignore[misc]
        def Transport(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - py-amqp's name
            transport = super().Transport(*args, **kwargs)
            set_up = transport._setup_transport  # noqa: SLF001 - the only way in

            def set_up_with_deadline() -> None:
                set_up()
                transport.sock = with_deadline = DeadlineSocket(transport.sock, deadline)
                with_deadline.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                transport._quick_recv, transport._write = with_deadline.recv, with_deadline.sendall  # noqa: SLF001

            transport._setup_transport = set_up_with_deadline  # noqa: SLF001
            return transport

    return type("DeadlineTransport", (transport_class,), {"Connection": DeadlineConnection})
