"""Split a search into terms: `key:value`, with quotes around values that have spaces."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?:(?P<key>[^\s":]+):)?
    (?:"(?P<quoted>(?:[^"\\]|\\.)*)(?P<end>"?)|(?P<plain>\S*))
    """,
    re.VERBOSE | re.DOTALL,
)
_NEEDS_QUOTES = re.compile(r'[\s"\\]')
_COMPARED = re.compile(r"(?P<key>wait|run|attempts)(?P<sign>[<>])(?P<value>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a search. `key` is empty for a bare word; `value` has no quotes.

    `is_whole`: its quotes were closed.
    """

    key: str
    value: str
    is_whole: bool = True

    def __str__(self) -> str:
        # A colon in bare words would make a key of what stands before it.
        text = quoted(self.value, also=":") if not self.key else quoted(self.value)
        return f"{self.key}:{text}" if self.key else text


def quoted(value: str, *, also: str = "") -> str:
    """Return a value as you must type it: in quotes if it has spaces, quotes or `also`."""
    if value and not _NEEDS_QUOTES.search(value) and not any(one in value for one in also):
        return value
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def terms_of(text: str) -> Iterator[Term]:
    """Yield the terms of a search, in order."""
    for match in _TOKEN.finditer(text):
        if match[0]:
            yield _term(match)


def _term(match: re.Match[str]) -> Term:
    key, plain = match["key"] or "", match["plain"]
    if plain is None:
        value = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
        return Term(key=_folded(key), value=value, is_whole=bool(match["end"]))
    compared = None if key else _COMPARED.fullmatch(plain)
    if compared:  # wait>30s without the colon
        return Term(key=compared["key"] + compared["sign"], value=compared["value"])
    return Term(key=_folded(key), value=plain)


def _folded(key: str) -> str:
    """Return a key in lower case, except one with an argument's name, whose case matters."""
    return key if "." in key else key.lower()


def typed(terms: list[Term]) -> str:
    """Return terms as one text that parses into the same terms."""
    return " ".join(str(term) for term in terms)
