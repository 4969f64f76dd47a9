"""Whatever a page says can be said in another language."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import djtasks

TEMPLATES = sorted((Path(djtasks.__file__).parent / "templates").rglob("*.html"))
TAGS = re.compile(
    r"{% comment %}.*?{% endcomment %}|{#.*?#}"
    r"|{% blocktranslate.*?{% endblocktranslate %}"
    r"|{{.*?}}|{%.*?%}",
    re.DOTALL,
)
WORD = re.compile(r"[^\W\d_]{2,}")
SPOKEN = {"title", "alt", "placeholder", "aria-label", "label"}
# The same in every language: code, keys, units, names.
SAME = {"code", "kbd", "pre"}
VERBATIM = {"CSV", "JSON", "app", "djtasks"}  # formats; classes of the body
KEY = re.compile(r"[\w.]+:\S*")  # of the search


class _Reader(HTMLParser):
    """Collects the words of a template that no translation can change."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SAME:
            self.inside.append(tag)
        for name, value in attrs:
            if name in SPOKEN:
                self._read(value or "")

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self._read(data)

    def _read(self, text: str) -> None:
        self.found += [word for word in WORD.findall(KEY.sub("", text)) if word not in VERBATIM]


def untranslatable(source: str) -> list[str]:
    reader = _Reader()
    reader.feed(TAGS.sub(" ", source))
    return reader.found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_cannot_be_translated(template: Path) -> None:
    assert untranslatable(template.read_text()) == []


def test_words_that_were_forgotten_are_found() -> None:
    assert untranslatable("<p title='Forgotten'>{% translate 'A' %} too{{ it }}</p>") == [
        "Forgotten",
        "too",
    ]
