"""Run a server that stops when this process's standard input closes.

    python -m djtasks.testing.parent_guard [--user NAME] [--signal TERM] -- command argument...

The process at the other end of the pipe owns the server: when it ends, even by `kill -9`, the
kernel closes the pipe and the server gets its stop signal. On Linux, the server also gets it if
the guard itself is killed.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial

_STOP_SECONDS = 30
_PR_SET_PDEATHSIG = 1


def hold(command: Sequence[str], *, stop: signal.Signals, user: str | None) -> int:
    """Run `command` in a session of its own until standard input ends; return its exit code.

    SIGINT and SIGTERM are ignored: a terminal sends Ctrl-C to a whole group, and the owner
    decides the order in which things stop. A server that has not stopped after 30 s is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = subprocess.Popen(  # noqa: S603 - the holder's command
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=user,
        group="nogroup" if user == "nobody" and _has_group("nogroup") else None,
        extra_groups=[] if user else None,
        preexec_fn=partial(_prepare, stop),  # noqa: PLW1509 - there is one thread so far
    )
    threading.Thread(target=_wait_for_end_of_input, args=(server, stop), daemon=True).start()
    return server.wait()


def _prepare(stop: signal.Signals) -> None:
    """Prepare the child process, before it executes the server."""
    # What is ignored stays ignored in a new program, and the server must hear its stop signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(stop), 0, 0, 0)


def _wait_for_end_of_input(server: "subprocess.Popen[bytes]", stop: signal.Signals) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    server.send_signal(stop)
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()


def _has_group(name: str) -> bool:
    import grp  # noqa: PLC0415 - not on Windows

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def main() -> int:
    """Parse the command line and run the server."""
    parser = argparse.ArgumentParser(
        prog="python -m djtasks.testing.parent_guard", description=__doc__
    )
    parser.add_argument("--user", help="run the server as this user")
    parser.add_argument(
        "--signal", default="TERM", help="the signal that stops it (default: %(default)s)"
    )
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, help="-- followed by the server's command"
    )
    asked = parser.parse_args()
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    if not command:
        parser.error("the server's command is missing")
    return hold(command, stop=signal.Signals[f"SIG{asked.signal}"], user=asked.user)


if __name__ == "__main__":
    sys.exit(main())
