"""Servers that behave as no Redis should."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Manner = Callable[[socket.socket, threading.Event], None]


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Accept, and never answer."""
    over.wait()


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Send a byte of an answer now and then, for ever."""
    connection.sendall(b"+")
    while not over.wait(0.05):
        connection.sendall(b"a")


def endless(connection: socket.socket, over: threading.Event) -> None:
    """Send an answer without an end, as fast as it is read."""
    connection.sendall(b"+")
    while not over.is_set():
        connection.sendall(b"a" * 65_536)


def saying(*answers: bytes) -> Manner:
    """Give these answers in turn, the last one for ever, one to each command."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        left = list(answers)
        while asked := connection.recv(65_536):
            for _ in range(asked.count(b"*")):
                connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return answer


class RudeServer:
    """Counts who came."""

    def __init__(self, manner: Manner) -> None:
        self.visits = 0
        self.over = threading.Event()
        self._manner = manner
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._manner(connection, self.over)
            except OSError:
                return

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@contextmanager
def rude_server(manner: Manner) -> Iterator[RudeServer]:
    """Run such a server for a block."""
    server = RudeServer(manner)
    try:
        yield server
    finally:
        server.stop()
