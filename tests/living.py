"""Which processes are there: asked of the system, so that nothing can hide behind a parent."""

import os
from pathlib import Path

import psutil


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that is dead but was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def alive_with(mark: str, folder: Path) -> list[psutil.Process]:
    """Return every other process with an environment variable of the value `mark`.

    And those that work in `folder`: Valkey writes its title over its environment.
    """
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid()
        and is_alive(process.pid)
        and _belongs(process, mark, str(folder))
    ]


def _belongs(process: psutil.Process, mark: str, folder: str) -> bool:
    try:
        return mark in process.environ().values() or process.cwd().startswith(folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
        return False
