"""What a worker prints to stderr when the project has set up no logging."""

import logging

from djtasks.worker.logs import LineFormatter

FORGED = "2026-01-01 12:00:00,000 ERROR djtasks.worker forged"


def printed(message: str, *args: object, error: Exception | None = None) -> list[str]:
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord("djtasks.tasks", logging.ERROR, "", 1, message, args, exc_info)
    record.exc_text = None if error is None else f"ValueError: {error}"
    return LineFormatter("%(name)s %(message)s").format(record).split("\n")


def test_a_text_cannot_pass_for_a_line_of_the_log() -> None:
    text = f"boom\n{FORGED}\r{FORGED}\u2028{FORGED}"

    lines = printed("Task failed error=%s", text, error=ValueError(text))

    assert lines[0] == "djtasks.tasks Task failed error=boom"
    assert not [line for line in lines if line.startswith(FORGED)]
    assert [line[:4] for line in lines[1:]] == ["    "] * 3
    assert not [line for line in lines if len(line.splitlines()) > 1]


def test_a_text_cannot_give_orders_to_a_terminal() -> None:
    lines = printed("Task failed error=%s", "\x1b[2J\x9b31m\x07\tover")

    assert lines == ["djtasks.tasks Task failed error=\\x1b[2J\\x9b31m\\x07\tover"]
