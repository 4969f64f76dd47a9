"""Examples at the end of `--help`."""

from argparse import ArgumentParser

from django.core.management.base import DjangoHelpFormatter

_HEAD = "Examples:\n"


class ExamplesFormatter(DjangoHelpFormatter):
    """Django's formatter, but each example keeps its line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        words, head, examples = text.partition(_HEAD)
        filled = super()._fill_text(words, width, indent) if words else ""
        return "\n\n".join(part for part in (filled, head + examples) if part)


def add_examples(parser: ArgumentParser, command: str, examples: tuple[str, ...]) -> None:
    """Add examples of arguments to the end of the help, below what is there."""
    lines = "".join(f"  manage.py {command} {words}".rstrip() + "\n" for words in examples)
    parser.epilog = (parser.epilog or "") + _HEAD + lines
    parser.formatter_class = ExamplesFormatter
