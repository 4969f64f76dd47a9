"""A small HTTP server for probes. It answers from memory, so a slow database never blocks it."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from djtasks.errors import CannotListen

_PATIENCE_SECONDS = 5.0


class Answer(NamedTuple):
    """The HTTP response of a path."""

    status: int
    content_type: str
    body: str


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, one request per connection, without revealing software versions."""

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
        """Log nothing: a line per probe would hide the important ones."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class Endpoint:
    """Binds its port when created; answers once started.

    `port` is the real port, also if 0 was requested. Raises CannotListen.
    """

    def __init__(self, host: str, port: int, answer: Callable[[str], Answer]) -> None:
        try:
            self._server = _Server((host, port), answer)
        except (OSError, OverflowError) as error:
            raise CannotListen(
                f"Cannot listen on port {port} of {host}: {error}. Choose another port with "
                f"--health-port, or stop the process that uses it."
            ) from error
        self.port: int = self._server.server_address[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="probes", daemon=True
        )

    def start(self) -> None:
        """Start to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
