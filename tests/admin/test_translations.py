"""Whatever a page says can be said in another language."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import djtasks

PACKAGE = Path(djtasks.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))
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


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
def test_a_translator_finds_what_templates_and_code_say(tmp_path: Path) -> None:
    copy = tmp_path / "djtasks"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    (copy / "locale" / "de").mkdir(parents=True)

    # As `make messages` does. The modules of the package must not shadow those of Python.
    django = [sys.executable, "-P", "-m", "django"]
    command = [*django, "makemessages", "--all", "--keep-pot", "--add-location", "file"]
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=copy, env=environment, check=True)

    catalogue = (copy / "locale" / "django.pot").read_text()
    language = (copy / "locale" / "de" / "LC_MESSAGES" / "django.po").read_text()
    assert 'msgid "You are signed out: reload the page to sign in again."' in catalogue
    assert 'msgid "ready tasks, the %(n)s longest queues"' in catalogue
    assert 'msgid "No live worker serves queue %(queue)r."' in catalogue
    assert 'msgid "every %(n)s minutes"' in catalogue
    assert 'msgid "It is not due yet: it may run in %(span)s."' in catalogue
    assert language.count("\nmsgid ") == catalogue.count("\nmsgid ")
