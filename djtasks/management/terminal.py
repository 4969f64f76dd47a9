"""Write to a terminal that obeys what it reads, and end as people and shells expect."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError, InterfaceError

from djtasks.doctor.explaining import broker_finding, database_finding
from djtasks.engine import engine_of, our_aliases
from djtasks.errors import BrokerUnavailable

# As shells report a program that ended by SIGINT or SIGPIPE.
INTERRUPTED = 130
NOBODY_READS = 141
# Control characters but tab and newline, those that change the direction of text, and surrogates.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """Return a text with escapes, valid in JSON, for the characters that a terminal obeys."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def in_a_cell(text: str) -> str:
    """Return a text for one cell of a table, with escapes for its line breaks and tabs, too."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


class Terminal:
    """The output of a command: what a task or an error contains cannot command the terminal."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    def write(self, text: str) -> None:
        """Write a text and a line break."""
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        self._out.write(harmless(text).encode(encoding, "backslashreplace").decode(encoding))

    def ask(self, question: str) -> str:
        """Write a question, and return the line that somebody answers; "" at the end of input."""
        self._out.write(harmless(question), ending="")
        self._out.flush()
        return sys.stdin.readline()

    @property
    def is_watched(self) -> bool:
        """Whether a person reads it as it is written."""
        return self._out.isatty()

    def progress(self, text: str) -> None:
        """Replace the current line by a text, if a person watches."""
        if self.is_watched:
            self._out.write(f"\r\x1b[K{harmless(text)}", ending="")
            self._out.flush()


@contextmanager
def explained_errors() -> Iterator[None]:
    """Turn the errors of servers into a CommandError that says what to do, as `doctor` does."""
    try:
        yield
    except CommandError as error:
        raise CommandError(harmless(str(error)), returncode=error.returncode) from error
    except (DatabaseError, InterfaceError) as error:
        finding = database_finding("database", engine_of(our_aliases()[0]).database, error)
        raise CommandError(harmless(f"{finding.statement} {finding.remedy}")) from error
    except BrokerUnavailable as error:
        finding = broker_finding("broker", error)
        raise CommandError(harmless(f"{finding.statement} {finding.remedy}")) from error


@contextmanager
def quiet_end() -> Iterator[None]:
    """End without a traceback after Ctrl-C, and when whoever reads the output has gone."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Python flushes it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(NOBODY_READS)
