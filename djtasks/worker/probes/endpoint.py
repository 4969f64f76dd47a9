"""A small HTTP server for probes: it answers from memory, so a slow database never stalls it."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from djtasks.errors import CannotListen

_PATIENCE_SECONDS = 5.0


class Answer(NamedTuple):
    """What a path answers."""

    status: int
    content_type: str
    body: str


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, one request a connection; tells nothing about what runs here."""

    timeout = _PATIENCE_SECONDS
    server_version = "djtasks"
    sys_version = ""

    def do_GET(self) -> None:
        answer = cast("_Server", self.server).answer(urlsplit(self.path).path)
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """A line for every probe would drown what matters."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business."""


class Endpoint:
    """Listens from the moment it is made; answers once it is started.

    `port` is the real one, also when 0 was asked for. Raises CannotListen.
    """

    def __init__(self, host: str, port: int, answer: Callable[[str], Answer]) -> None:
        try:
            self._server = _Server((host, port), answer)
        except (OSError, OverflowError) as error:
            raise CannotListen(
                f"Nothing can listen on port {port} of {host}: {error}. Choose another with "
                f"--health-port, or end what has it."
            ) from error
        self.port: int = self._server.server_address[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="probes", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
