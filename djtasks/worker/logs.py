"""Set up logging for a worker if the project has not."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from djtasks.compat import LOGGER_NAME

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# A terminal obeys these; the line separators among them begin a line in some readers of logs.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Write each record so that no text in it can pass for another record.

    All lines but the first are indented, those of tracebacks too. Control characters are escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        first, *others = super().format(record).split("\n")
        return "\n".join([_escaped(first), *(f"    {_escaped(line)}" for line in others)])


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def set_up_logging(*, verbose: bool) -> None:
    """Print worker logs and task failures to stderr, unless LOGGING handles them.

    `verbose`: also print one line per task.
    """
    logger = logging.getLogger("djtasks")
    if not logger.hasHandlers():
        logger.addHandler(_to_stderr())
    if verbose and logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    if not verbose:
        logging.getLogger("djtasks.tasks").setLevel(logging.WARNING)
    django_logger = logging.getLogger(LOGGER_NAME)
    # Without DEBUG, Django's default prints nothing to a console: at best it mails a failure to
    # ADMINS. Lines below WARNING would be built in vain (19 µs a task).
    is_silent = not django_logger.hasHandlers() or not (settings.LOGGING or settings.DEBUG)
    if is_silent and not _prints_already(django_logger):
        django_logger.addHandler(_to_stderr())
        django_logger.setLevel(logging.WARNING)


@contextmanager
def logging_set_up(*, verbose: bool) -> Iterator[None]:
    """Call set_up_logging() for this block; afterwards the loggers are as before."""
    loggers = [logging.getLogger(name) for name in ("djtasks", "djtasks.tasks", LOGGER_NAME)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    set_up_logging(verbose=verbose)
    try:
        yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers = handlers


def _prints_already(logger: logging.Logger) -> bool:
    """Return whether the supervisor, from which this process was forked, has added our handler."""
    return any(isinstance(one.formatter, LineFormatter) for one in logger.handlers)


def _to_stderr() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(_FORMAT))
    return handler
