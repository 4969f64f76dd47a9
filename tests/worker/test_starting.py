"""From flags to a worker: what is decided, printed and logged before the first task."""

import logging

import pytest

from djtasks.compat import LOGGER_NAME
from djtasks.definitions import registry
from djtasks.engine import engine_of
from djtasks.worker import banner
from djtasks.worker.config import WorkerConfig
from djtasks.worker.logs import set_up_logging
from djtasks.worker.start import default_processes, fitted

CONFIG = WorkerConfig(backend="default", processes=4, threads=8, async_slots=100)


@pytest.mark.usefixtures("servers")
def test_the_banner_says_what_is_served_and_from_where(engine):
    text = "\n".join(banner.lines(engine, CONFIG))

    assert "postgresql, test_djtasks" in text
    assert "redis (CACHES['tasks'])" in text
    assert "4 x 8 threads, 100 coroutines" in text
    assert "default, mail, reports (in turn)" in text
    assert "up to 53 of 300" in text


@pytest.mark.usefixtures("servers")
def test_too_many_connections_are_announced(engine, settings):
    registry.import_tasks(engine.options.imports)
    many = WorkerConfig(backend="default", processes=30, threads=8)

    (warning,) = banner.warnings(engine, many)

    assert "365 of the server's 300 connections" in warning
    assert banner.warnings(engine, CONFIG) == []


@pytest.fixture
def on_sqlite(monkeypatch):
    """The engine as it is where the records live in the SQLite alias."""
    from djtasks import store

    monkeypatch.setattr("djtasks.engine.queue_database", lambda: "sqlite")
    monkeypatch.setattr(store, "queue_database", lambda: "sqlite")
    return engine_of("default")


def test_plain_sqlite_runs_one_task_at_a_time(on_sqlite, monkeypatch):
    from django.db import connections

    monkeypatch.setitem(connections["sqlite"].settings_dict, "OPTIONS", {})

    config = fitted(on_sqlite, CONFIG)

    assert (config.processes, config.threads, config.async_slots) == (1, 1, 1)
    assert default_processes(on_sqlite) == 1


def test_prepared_sqlite_runs_what_was_asked_for(on_sqlite):
    assert fitted(on_sqlite, CONFIG) == CONFIG


@pytest.fixture
def loggers():
    them = [logging.getLogger(name) for name in ("djtasks", "djtasks.tasks", LOGGER_NAME)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in them]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers = handlers


@pytest.mark.parametrize(("verbose", "level"), [(True, True), (False, False)])
def test_a_line_a_task_only_with_verbosity(loggers, verbose, level):
    set_up_logging(verbose=verbose)

    assert logging.getLogger("djtasks.tasks").isEnabledFor(logging.INFO) is level
    assert logging.getLogger("djtasks.worker").isEnabledFor(logging.WARNING)


def test_failures_are_printed_once_where_the_project_has_no_logging(loggers, settings, capsys):
    settings.LOGGING, settings.DEBUG = {}, False

    set_up_logging(verbose=False)
    set_up_logging(verbose=False)  # as in a child, which is a fork of its supervisor
    logging.getLogger(LOGGER_NAME).info("It went well")
    logging.getLogger(LOGGER_NAME).error("It broke")

    printed = capsys.readouterr().err
    assert printed.count("It broke") == 1
    assert "It went well" not in printed


@pytest.mark.parametrize(
    ("user", "pid", "warned"),
    [(1000, 7, []), (0, 7, ["as root"]), (1000, 1, ["an init"]), (0, 1, ["as root", "an init"])],
)
def test_a_worker_says_that_it_runs_as_root_or_without_an_init(monkeypatch, user, pid, warned):
    monkeypatch.setattr(banner.os, "geteuid", lambda: user)
    monkeypatch.setattr(banner.os, "getpid", lambda: pid)

    warnings = banner.warnings_of_process()

    assert len(warnings) == len(warned)
    assert all(part in warning for part, warning in zip(warned, warnings, strict=True))
