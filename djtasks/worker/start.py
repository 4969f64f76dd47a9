"""Start a worker from the flags of `runworker`, and restart it after code changes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from django.db import connections
from django.utils import autoreload

from djtasks.checks import is_sqlite_ready
from djtasks.engine import Engine
from djtasks.store.sessions import engine_connection, prepared_process
from djtasks.worker import banner
from djtasks.worker.config import WorkerConfig
from djtasks.worker.inline import InlineWorker
from djtasks.worker.loading import load
from djtasks.worker.logs import logging_set_up
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.supervisor.launchers import new_launcher
from djtasks.worker.supervisor.supervisor import Supervisor

MOST_PROCESSES = 4


def default_processes(engine: Engine) -> int:
    """Return the default for `--processes`: one per core, at most four; one on SQLite."""
    if connections[engine.database].vendor == "sqlite":
        return 1
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def fitted(engine: Engine, config: WorkerConfig) -> WorkerConfig:
    """Return the config adapted to the database: one task at a time on unprepared SQLite."""
    plain = connections[engine.database].vendor == "sqlite" and not is_sqlite_ready(engine.database)
    if not plain:
        return config
    return replace(config, processes=min(config.processes, 1), threads=1, async_slots=1)


def run(engine: Engine, config: WorkerConfig, wakeup: Wakeup) -> int:
    """Run a worker in this process until it ends; return the exit code.

    Afterwards, the process has its own settings, loggers, connections and signal handlers again.
    """
    # Compute this before the connections are prepared for a worker.
    config = fitted(engine, config)
    reuse = engine.options.reuse_connections
    with logging_set_up(verbose=config.verbose):
        load()
        notes = connections[engine.database].vendor == "sqlite"
        warnings = banner.warnings(engine, config) if notes else None
        with prepared_process(reuse_connections=reuse):
            with engine_connection(engine.database):
                _print_banner(engine, config, warnings)
            return _run(engine, config, wakeup)


def _print_banner(engine: Engine, config: WorkerConfig, warnings: list[str] | None) -> None:
    for line in banner.lines(engine, config):
        print(line, flush=True)
    if warnings is None:
        warnings = banner.warnings(engine, config)
    for warning in (*warnings, *banner.warnings_of_process()):
        print(f"  warning: {warning}", file=sys.stderr, flush=True)


def _run(engine: Engine, config: WorkerConfig, wakeup: Wakeup) -> int:
    stops = wakeup.installed(grace=config.grace, margin=config.stop_margin)
    if not config.processes:
        with stops:
            return InlineWorker(engine, config, wakeup).run()
    # The banner has connected to the database, so that the driver is loaded, too. Afterwards there
    # are threads.
    with closing(new_launcher()) as launcher, stops:
        supervisor = Supervisor(engine, config, wakeup, launcher=launcher)
        for line in supervisor.probes.lines:
            print(line, flush=True)
        with engine_connection(engine.database):
            return supervisor.run()


def run_reloading(arguments: Sequence[str]) -> None:
    """Run `manage.py` with these arguments without reloading, and restart it after each change.

    Django's reloader runs its command in a thread, where signal handlers cannot be set, and exits
    without waiting for children. So this thin process holds the real worker by a pipe: when it
    ends, for a code change, by Ctrl-C or by force, the pipe closes and the worker drains.
    """
    autoreload.run_with_reloader(lambda: _hold(arguments))


def _hold(arguments: Sequence[str]) -> None:
    command = [*_program(), *arguments, "--no-reload", "--held"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
    if code := worker.wait():
        print(
            f"The worker ended with exit code {code}. Change the code to start it again.",
            file=sys.stderr,
            flush=True,
        )


def _program() -> list[str]:
    """Return how this program was started, such as `python -m django`, without its arguments."""
    command = [str(part) for part in autoreload.get_child_arguments()]
    return command[: len(command) - len(sys.argv) + 1]
