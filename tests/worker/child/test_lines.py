"""Django's log lines about tasks: the same records, whoever makes them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from djtasks.backend import DjtasksBackend
from djtasks.compat import LOGGER_NAME, log_task_finished, log_task_started
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.child import announcer as module
from djtasks.worker.child.announcer import Announcer
from tests.worker.making import WORKER, claim_of

# The last two are left by formatters, such as that of pytest, and tell of the task's id.
DIFFERENT = {"created", "msecs", "relativeCreated", "message", "exc_text"}
logger = logging.getLogger(LOGGER_NAME)


class Kept(logging.Handler):
    """Keeps records as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    level, filters = logger.level, logger.filters
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.filters = list(filters)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.filters = filters


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs a task and announces it as the loop of a worker does."""
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.0)
    announcer = Announcer(DjtasksBackend, WORKER, "polled")
    pipeline = Pipeline(store=None, worker=WORKER, on_started=announcer.started)  # type: ignore[arg-type]

    def run(name: str, *args: Any, **changes: Any) -> None:
        claim = claim_of(f"tests.tasks.{name}", *args, **changes)
        announcer.settled([execute_here(pipeline, claim)])
        announcer.tick()

    return run


def by_django(name: str, *args: Any, **changes: Any) -> None:
    """Run a task, and call Django's own receivers with its results."""
    announcer = Announcer(DjtasksBackend, WORKER, "polled")
    pipeline = Pipeline(store=None, worker=WORKER, on_started=announcer.announce)  # type: ignore[arg-type]
    announcer.announce(execute_here(pipeline, claim_of(f"tests.tasks.{name}", *args, **changes)))


def attributes(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record has besides its times and the id of its task."""
    found = {name: value for name, value in vars(record).items() if name not in DIFFERENT}
    assert isinstance(record.args, tuple)
    assert isinstance(record.args[0], str)
    return found | {"args": (len(record.args[0]), *record.args[1:])}


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Compare attributes; two tracebacks of one error differ."""
    without = [{**fields, "exc_info": bool(fields["exc_info"])} for fields in (one, other)]
    return without[0] == without[1]


TASKS: list[tuple[Any, ...]] = [
    ("add", 1, 2),
    ("explode", "no"),
    ("cancels_itself", "why"),
    ("asks_for_retry", 5),
]


@pytest.mark.parametrize("task", TASKS)
def test_records_differ_from_djangos_in_nothing_but_their_times(
    kept: Kept, tell: Any, task: tuple[Any, ...]
) -> None:
    by_django(*task, max_attempts=2 if task[0] == "asks_for_retry" else 1)
    expected, kept.records = kept.records, []

    tell(*task, max_attempts=2 if task[0] == "asks_for_retry" else 1)

    assert expected
    for one, other in zip(expected, kept.records, strict=True):
        assert alike(attributes(one), attributes(other)), (vars(one), vars(other))
        assert other.getMessage().startswith("Task id=")
        assert 0 <= other.created - one.created < 60
        assert other.msecs == int(other.created % 1 * 1000)
        # Both count from the moment at which logging was imported.
        passed = (other.created - one.created) * 1000
        assert other.relativeCreated - one.relativeCreated == pytest.approx(passed, abs=1.0)


def test_a_record_is_asked_for_once_and_no_signal_is_sent_for_others(
    kept: Kept, tell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("add", 1, 2)
    made: list[Any] = []
    monkeypatch.setattr(module.results, "from_finished", lambda *_a, **_k: made.append(1))

    tell("add", 1, 2)

    assert len(kept.records) == 4
    assert made == []


def patched_call_handlers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Wrap the method as Sentry's SDK does."""
    seen: list[Any] = []
    original = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        try:
            original(self, record)
        finally:
            seen.append(record.args)

    monkeypatch.setattr(logging.Logger, "callHandlers", call_handlers)
    return seen


def patched_factory(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Set a factory of records as OpenTelemetry's instrumentation does."""
    seen: list[Any] = []
    original = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = original(*args, **kwargs)
        record.otelSpanID = "0"
        seen.append(record.args)
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", factory)
    return seen


def patched_make_record(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Wrap the method as some tracers do."""
    seen: list[Any] = []
    original = logging.Logger.makeRecord

    def make_record(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = original(self, *args, **kwargs)
        seen.append(record.args)
        return record

    monkeypatch.setattr(logging.Logger, "makeRecord", make_record)
    return seen


def patched_info(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put something in the place of a method of the logger itself, as mocks do."""
    seen: list[Any] = []
    original = logger._log

    def log(level: int, message: str, args: Any, **kwargs: Any) -> None:
        seen.append(args)
        original(level, message, args, **kwargs)

    monkeypatch.setattr(logger, "_log", log)
    return seen


@pytest.mark.parametrize(
    "patch", [patched_call_handlers, patched_factory, patched_make_record, patched_info]
)
def test_what_libraries_put_into_logging_sees_every_record(
    kept: Kept, tell: Any, monkeypatch: pytest.MonkeyPatch, patch: Any
) -> None:
    tell("add", 1, 2)
    seen = patch(monkeypatch)
    tell("add", 1, 2)
    seen.clear()

    tell("add", 1, 2)

    last = kept.records[-2:]
    assert seen == [record.args for record in last]
    assert len(kept.records) == 6
    assert [hasattr(record, "otelSpanID") for record in last] == [patch is patched_factory] * 2


def test_a_library_that_takes_records_without_a_handler_gets_them(
    tell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    seen = patched_call_handlers(monkeypatch)

    tell("add", 1, 2)

    assert len(seen) == 2


def test_an_adapter_in_the_place_of_djangos_logger_is_used(
    kept: Kept, tell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = logging.LoggerAdapter(logger, {"release": "7"})
    for receiver in (log_task_started, log_task_finished):
        monkeypatch.setitem(receiver.__globals__, "logger", adapter)

    tell("add", 1, 2)

    assert [record.release for record in kept.records] == ["7", "7"]  # type: ignore[attr-defined]


def test_a_filter_of_the_project_sees_each_task_and_never_what_was_only_asked_for(
    kept: Kept, tell: Any
) -> None:
    seen: list[Any] = []

    def count(record: logging.LogRecord) -> bool:
        seen.append(record.args)
        return len(seen) != 2

    logger.addFilter(count)

    tell("add", 1, 2)
    tell("add", 1, 2)

    assert len(seen) == 4
    assert [record.args for record in kept.records] == [seen[0], *seen[2:]]


def test_what_logging_is_told_at_run_time_holds_at_once(kept: Kept, tell: Any) -> None:
    tell("add", 1, 2)
    logging.disable(logging.INFO)
    try:
        tell("add", 1, 2)
    finally:
        logging.disable(logging.NOTSET)
    logger.setLevel(logging.WARNING)
    tell("add", 1, 2)
    logger.setLevel(logging.INFO)
    kept.setLevel(logging.WARNING)
    tell("add", 1, 2)
    kept.setLevel(logging.NOTSET)

    tell("add", 1, 2)

    assert len(kept.records) == 4
