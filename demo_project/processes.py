"""The processes of a running demo. Each ends with us, whatever ends us.

Every process runs in a session of its own, so that Ctrl-C reaches only us, and we hold the
other end of its standard input: when that closes, it gets its one signal to stop.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from djtasks.testing.servers import tied_to_parent

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
HOST = "127.0.0.1"

_READY_SECONDS = 60.0
# Longer than a worker's grace and a leash's patience together.
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05
_PORTS_TO_TRY = 100
# Parsing is work for a core, so more threads would only wait for each other.
_THREADS = 2
_LAST_WORDS = 3_000


class DemoProblem(Exception):
    """The demo cannot go on; the message is for the person at the terminal."""


class Interrupted(Exception):
    """Somebody wants the demo to stop."""


class Interrupts:
    """Counts the requests to stop: signals, and with `watch_parent` the end of our parent."""

    def __init__(self, *, watch_parent: bool = False) -> None:
        self.count = 0
        self._parent = os.getppid() if watch_parent else None

    def listen(self) -> None:
        """Take over Ctrl-C and its relatives. A terminal's end counts unless nohup said no."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    def check(self) -> None:
        """Raise Interrupted when somebody wants an end."""
        if self.count or (self._parent is not None and os.getppid() != self._parent):
            raise Interrupted


@dataclass(eq=False)
class Held:
    """A running process that stops when its standard input is closed."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def check(self) -> None:
        """Raise DemoProblem when it has ended by itself."""
        code = self.process.poll()
        if code is not None:
            raise DemoProblem(
                f"The {self.name} has ended by itself with code {code}. Its last words:\n"
                f"{self.last_words()}"
            )

    def last_words(self) -> str:
        """Return the end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return text[-_LAST_WORDS:].strip() or "(none)"

    def stop(self, interrupts: Interrupts) -> None:
        """Ask it to stop and wait until it has; a further Ctrl-C asks it to hurry."""
        seen = interrupts.count
        if self.process.stdin is not None:
            self.process.stdin.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while self.process.poll() is None:
            if interrupts.count > seen:
                seen = interrupts.count
                self.process.terminate()
            if time.monotonic() > deadline:
                self.process.kill()
            time.sleep(_POLL_SECONDS)


def start_worker(folder: Path, *, processes: int) -> Held:
    """Start a worker. Not in DEBUG: that would keep every SQL statement in memory."""
    log = folder / "worker.log"
    command = [sys.executable, str(MANAGE), "runworker", "--no-reload", "--held"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--processes", str(processes), "--threads", str(_THREADS)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | {"DEMO_DEBUG": "0"},
        )
    return Held("worker", process, log)


def start_web(
    folder: Path, *, first_port: int, token: str, is_stopping: Callable[[], None]
) -> tuple[Held, int]:
    """Start the web server on the first free port from `first_port` on; return it and the port.

    A port that looks free may be taken before our server has it, by another demo for
    instance: only an answer with our `token` counts, and a server that finds its port taken
    is started again on the next. `is_stopping` may raise to end the wait.
    """
    for port in range(first_port, min(first_port + _PORTS_TO_TRY, 65_536)):
        if not _is_free(port):
            continue
        web = _run_server(folder, port)
        try:
            if _wait_for_answer(web, port, token, is_stopping):
                return web, port
        except BaseException:
            web.stop(Interrupts())
            raise
    raise DemoProblem(f"No port from {first_port} on is free; choose another with PORT=...")


def _run_server(folder: Path, port: int) -> Held:
    log = folder / "web.log"
    log.unlink(missing_ok=True)
    command = [sys.executable, str(MANAGE), "runserver", "--noreload", f"{HOST}:{port}"]
    return Held("web server", tied_to_parent(command, stop="INT", log=log), log)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server itself does it: connections that are just closing do no harm.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise DemoProblem(
                f"Port {port} is for root only; choose one above 1023 with PORT=..."
            ) from None
        except OSError:
            return False
    return True


def _wait_for_answer(web: Held, port: int, token: str, is_stopping: Callable[[], None]) -> bool:
    """Return whether our server answers; False when somebody else has taken its port."""
    deadline = time.monotonic() + _READY_SECONDS
    while get(port, "/alive/") != (200, token):
        is_stopping()
        if web.process.poll() is not None and "already in use" in web.last_words():
            return False
        web.check()
        if time.monotonic() > deadline:
            raise DemoProblem(
                f"The web server does not answer. Its last words:\n{web.last_words()}"
            )
        time.sleep(_POLL_SECONDS)
    return True


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and body of a page of our web server; (0, "") when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
