"""Hand log records to handlers as `logger.handle()` does, with one write for many lines.

Only handlers that are exactly logging's StreamHandler or FileHandler get many at once. Where a
project or a library has put something of its own in the place of a method, it is called.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, TypeGuard

from django.utils.log import RequireDebugFalse, RequireDebugTrue

from djtasks.formats.originals import is_original

# Two processes may write to one pipe. POSIX keeps what is written at once together up to 4,096.
MOST_BYTES = 4_000

logger = logging.getLogger("djtasks.tasks")
# These decide by the logger's name or the settings, and change nothing: they may be asked on trial.
_PURE_FILTERS = (logging.Filter, RequireDebugTrue, RequireDebugFalse)


def is_plain(logger: logging.Logger) -> bool:
    """Return whether this logger makes its records as logging does."""
    return type(logger) is logging.Logger and _is_own(logger, "info", "log", "_log", "findCaller")


def has_plain_records() -> bool:
    """Return whether a record is what logging makes, to which nobody adds anything."""
    return (
        logging.getLogRecordFactory() is logging.LogRecord
        and _is_own(logging.getLogger(), "makeRecord")
        and is_original(logging.LogRecord.__init__, logging)
    )


def is_taken(logger: logging.Logger, level: int) -> bool:
    """Return whether anybody might take a record of this level, for which `logger` is enabled."""
    return bool(_takers(logger, level)) or not _hands_on_plainly(logger)


def write(
    logger: logging.Logger,
    records: Sequence[logging.LogRecord],
    harmless: logging.Filter | None = None,
) -> None:
    """Hand records of one level to the handlers of their logger; raises nothing.

    `harmless` is a filter of the logger that would let them pass as they are.
    """
    if not records or not logger.isEnabledFor(records[0].levelno):
        return
    if not _hands_on_plainly(logger):
        _each(logger.handle, records)
        return
    takers = _takers(logger, records[0].levelno)
    if takers and logger.filters != [harmless]:
        records = _filtered(logger, records)
    for handler in takers:
        wanted = [record for record in records if record.levelno >= handler.level]
        if _takes_many(handler):
            _write_many(handler, _filtered(handler, wanted))
        else:
            _each(handler.handle, wanted)


def _hands_on_plainly(logger: logging.Logger) -> bool:
    return type(logger) is logging.Logger and _is_own(logger, "handle", "callHandlers")


def _takes_many(handler: logging.Handler) -> TypeGuard[logging.StreamHandler[Any]]:
    # A FileHandler without a stream opens its file at the next record.
    return (
        (type(handler) is logging.StreamHandler or type(handler) is logging.FileHandler)
        and handler.stream is not None
        and _is_own(handler, "handle", "emit")
    )


def _is_own(instance: object, *methods: str) -> bool:
    """Return whether nobody has put anything in the place of these methods of logging's."""
    changed, kind = vars(instance), type(instance)
    for name in methods:
        if name in changed or not is_original(getattr(kind, name), logging):
            return False
    return True


def _takers(logger: logging.Logger, level: int) -> list[logging.Handler]:
    """Return the handlers that might take a record; the others would certainly drop it."""
    handlers: list[logging.Handler] = []
    current: logging.Logger | None = logger
    while current is not None:
        handlers += current.handlers
        current = current.parent if current.propagate else None
    if not handlers and logging.lastResort is not None:
        handlers = [logging.lastResort]
    return [one for one in handlers if level >= one.level and not _drops_all(one, logger.name)]


def _drops_all(handler: logging.Handler, name: str) -> bool:
    if not handler.filters:
        return type(handler) is logging.NullHandler
    probe: Any = SimpleNamespace(name=name)
    pure: list[Any] = [one for one in handler.filters if type(one) in _PURE_FILTERS]
    return not all(one.filter(probe) for one in pure)


def _filtered(
    filterer: logging.Filterer, records: Sequence[logging.LogRecord]
) -> Sequence[logging.LogRecord]:
    if not filterer.filters:
        return records
    kept: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> None:
        answer: Any = filterer.filter(record)
        if answer:
            # Since Python 3.12 it may be another record.
            kept.append(answer if isinstance(answer, logging.LogRecord) else record)

    _each(keep, records)
    return kept


def _each(work: Callable[[logging.LogRecord], Any], records: Iterable[logging.LogRecord]) -> None:
    """Do this with each record; what it raises costs that record only."""
    for record in records:
        try:
            work(record)
        except BaseException:
            logger.exception("A task is not logged")


def _write_many(
    handler: "logging.StreamHandler[Any]", records: Sequence[logging.LogRecord]
) -> None:
    lines: list[tuple[logging.LogRecord, str]] = []

    def add_line(record: logging.LogRecord) -> None:
        try:
            lines.append((record, handler.format(record) + handler.terminator))
        except Exception:  # noqa: BLE001 - as StreamHandler.emit() does
            handler.handleError(record)

    handler.acquire()
    try:
        _each(add_line, records)
        for chunk in _chunks(lines):
            _write(handler, chunk)
    finally:
        handler.release()


def _chunks(
    lines: Iterable[tuple[logging.LogRecord, str]],
) -> Iterator[list[tuple[logging.LogRecord, str]]]:
    """Yield lines in groups of at most MOST_BYTES.

    A line with other characters than ASCII is alone, since the stream may be unable to encode it.
    """
    chunk: list[tuple[logging.LogRecord, str]] = []
    size = 0
    for record, line in lines:
        length = len(line) if line.isascii() else MOST_BYTES
        if chunk and size + length > MOST_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append((record, line))
        size += length
    if chunk:
        yield chunk


def _write(
    handler: "logging.StreamHandler[Any]", chunk: Sequence[tuple[logging.LogRecord, str]]
) -> None:
    try:
        handler.stream.write("".join(line for _, line in chunk))
        handler.flush()
    except Exception:  # noqa: BLE001 - as StreamHandler.emit() does
        _each(handler.handleError, [record for record, _ in chunk])
