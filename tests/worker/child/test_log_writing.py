"""Many records at once reach what they would reach one by one."""

import io
import logging
import logging.handlers
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.log import RequireDebugFalse, RequireDebugTrue

from djtasks.worker.child.log_writing import MOST_BYTES, is_taken, write

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return a logger below a parent without handlers.

    Neither is known to logging, so that pytest gives them no handler.
    """
    parent, made = logging.Logger("shop"), logging.Logger("shop.tasks")  # noqa: LOG001
    made.setLevel(logging.INFO)
    made.parent = parent
    yield made
    for handler in (*parent.handlers, *made.handlers):
        handler.close()


def records_of(logger: logging.Logger, count: int, text: str = "x" * 50) -> list[Any]:
    """Return records whose arguments are their numbers."""
    return [
        logging.LogRecord(logger.name, logging.INFO, __file__, 1, "%s " + text, (number,), None)
        for number in range(count)
    ]


class Rewriting(logging.StreamHandler[Any]):
    """A handler that the code under test does not know."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream.write(f"<{record.getMessage()}>")


class Odd(logging.Filter):
    """Drops every other record, so that nobody may ask it on trial."""

    asked = 0

    def filter(self, _record: logging.LogRecord) -> bool:
        self.asked += 1
        return bool(self.asked % 2)


def stream_handler(stream: io.StringIO, _folder: Path) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler


def filtering_handler(stream: io.StringIO, folder: Path) -> logging.Handler:
    handler = stream_handler(stream, folder)
    handler.addFilter(Odd())
    return handler


def quiet_handler(stream: io.StringIO, folder: Path) -> logging.Handler:
    handler = stream_handler(stream, folder)
    handler.setLevel(logging.WARNING)
    return handler


def changed_handler(stream: io.StringIO, folder: Path) -> logging.Handler:
    handler: Any = stream_handler(stream, folder)
    handler.emit = lambda record: stream.write(f"[{record.getMessage()}]")
    return handler  # type: ignore[no-any-return]


HANDLERS: dict[str, Callable[[io.StringIO, Path], logging.Handler]] = {
    "stream": stream_handler,
    "filter": filtering_handler,
    "level": quiet_handler,
    "subclass": lambda stream, _folder: Rewriting(stream),
    "changed": changed_handler,
    "file": lambda _stream, folder: logging.FileHandler(folder / "tasks.log", delay=True),
    "memory": lambda stream, folder: logging.handlers.MemoryHandler(
        7, target=stream_handler(stream, folder)
    ),
}


@pytest.mark.parametrize("kind", HANDLERS)
def test_a_handler_writes_what_it_writes_of_single_records(
    logger: logging.Logger, tmp_path: Path, kind: str
) -> None:
    logger.addFilter(lambda record: record.args != (3,))
    records = records_of(logger, 150)
    written = []

    def one_by_one() -> None:
        for record in records:
            logger.handle(record)

    def together() -> None:
        for first in range(0, 150, 60):
            write(logger, records[first : first + 60])

    for hand_on in (one_by_one, together):
        stream, folder = io.StringIO(), tmp_path / hand_on.__name__
        folder.mkdir()
        logger.handlers = [HANDLERS[kind](stream, folder)]
        hand_on()
        logger.handlers[0].close()
        written.append(stream.getvalue() + "".join(p.read_text() for p in folder.iterdir()))

    assert written[0] == written[1]
    assert ("149 x" in written[0]) == (kind != "level")


def test_handlers_of_parents_and_of_queues_get_them_too(logger: logging.Logger) -> None:
    news: queue.SimpleQueue[Any] = queue.SimpleQueue()
    above = io.StringIO()
    logger.addHandler(logging.handlers.QueueHandler(news))  # type: ignore[arg-type]
    logger.parent.addHandler(logging.StreamHandler(above))  # type: ignore[union-attr]

    write(logger, records_of(logger, 3, "y"))
    logger.propagate = False
    write(logger, records_of(logger, 1, "z"))

    assert news.qsize() == 4
    assert above.getvalue() == "0 y\n1 y\n2 y\n"


def test_writes_are_few_and_short_enough_for_a_pipe(logger: logging.Logger) -> None:
    writes: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    logger.addHandler(logging.StreamHandler(Stream()))

    write(logger, records_of(logger, 200))
    write(logger, records_of(logger, 2, "é"))
    write(logger, records_of(logger, 2, "long" * MOST_BYTES))

    many, others = writes[:-4], writes[-4:]
    assert "".join(many).count("\n") == 200
    assert len(many) == 3
    assert max(len(one) for one in many) <= MOST_BYTES
    assert all(one.endswith("\n") for one in many)
    assert [one.count("\n") for one in others] == [1, 1, 1, 1]


def test_two_writers_to_one_pipe_tear_no_line(logger: logging.Logger) -> None:
    reading, writing = os.pipe()
    text = "0123456789" * 5

    def tell(end: int) -> None:
        # Each has a handler of its own, as two processes have.
        own = logging.Logger("shop", logging.INFO)  # noqa: LOG001
        with os.fdopen(end, "w") as stream:
            own.addHandler(logging.StreamHandler(stream))
            for _ in range(50):
                write(own, records_of(own, 200, text))

    threads = [threading.Thread(target=tell, args=(end,)) for end in (writing, os.dup(writing))]
    with os.fdopen(reading) as stream:
        for thread in threads:
            thread.start()
        lines = stream.read().splitlines()
    for thread in threads:
        thread.join()

    assert len(lines) == 20_000
    assert [line for line in lines if line.partition(" ")[2] != text] == []


class Refusing(logging.Formatter):
    """Cannot write one of the records."""

    def format(self, record: logging.LogRecord) -> str:
        if record.args == (1,):
            raise ValueError("not this one")
        return super().format(record)


def test_what_fails_costs_the_record_that_it_fails_for(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[Any] = []
    monkeypatch.setattr(
        logging.StreamHandler, "handleError", lambda _self, record: failed.append(record.args)
    )
    raw = io.BytesIO()
    refusing = logging.StreamHandler(io.TextIOWrapper(raw, encoding="ascii"))
    refusing.setFormatter(Refusing())
    logger.addHandler(refusing)

    def broken(record: logging.LogRecord) -> bool:
        if record.args == (2,):
            raise SystemExit(2)
        return True

    logger.addFilter(broken)
    records = records_of(logger, 5, "y")
    records[3].msg = "%s é"

    write(logger, records)

    assert raw.getvalue() == b"0 y\n4 y\n"
    assert failed == [(1,), (3,)]
    assert [one.getMessage() for one in caplog.records] == ["A task is not logged"]


def test_a_stream_that_fails_is_told_to_its_handler(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[Any] = []
    monkeypatch.setattr(
        logging.StreamHandler, "handleError", lambda _self, record: failed.append(record.args)
    )
    stream = io.StringIO()
    stream.close()
    logger.addHandler(logging.StreamHandler(stream))

    write(logger, records_of(logger, 3))

    assert failed == [(0,), (1,), (2,)]


def test_a_handler_is_locked_while_it_is_written_to(logger: logging.Logger) -> None:
    was_free: list[bool] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            other = threading.Thread(target=try_lock)
            other.start()
            other.join()
            return len(text)

    handler = logging.StreamHandler(Stream())
    lock: Any = handler.lock

    def try_lock() -> None:
        was_free.append(lock.acquire(blocking=False))
        if was_free[-1]:
            lock.release()

    logger.addHandler(handler)

    write(logger, records_of(logger, 3))

    assert was_free == [False]


@pytest.mark.parametrize(
    ("level", "filters", "taken"),
    [
        (logging.NOTSET, [], True),
        (logging.WARNING, [], False),
        (logging.NOTSET, [RequireDebugTrue()], False),
        (logging.NOTSET, [RequireDebugFalse()], True),
        (logging.NOTSET, [logging.Filter("shop")], True),
        (logging.NOTSET, [logging.Filter("shop.web")], False),
        (logging.NOTSET, [Odd()], True),
        (logging.NOTSET, [lambda _record: False], True),
    ],
)
def test_a_record_is_made_unless_it_would_certainly_be_dropped(
    logger: logging.Logger, level: int, filters: list[Any], taken: bool
) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setLevel(level)
    handler.filters = filters
    logger.addHandler(logging.NullHandler())
    assert not is_taken(logger, logging.INFO)

    logger.parent.addHandler(handler)  # type: ignore[union-attr]

    assert is_taken(logger, logging.INFO) is taken
    assert [one.asked for one in filters if isinstance(one, Odd)] in ([], [0])


def test_without_any_handler_the_last_resort_has_a_say(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_taken(logger, logging.INFO)
    assert is_taken(logger, logging.WARNING)

    monkeypatch.setattr(logging, "lastResort", None)

    assert not is_taken(logger, logging.WARNING)
