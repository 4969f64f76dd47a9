"""Translations for a test: the package itself has none."""

import pytest
from django.utils.translation import trans_real


def translate(monkeypatch: pytest.MonkeyPatch, words: dict[str, str]) -> None:
    """Let German have some words, before those that Django has."""
    catalog = trans_real.translation("de")._catalog
    monkeypatch.setattr(catalog, "_catalogs", [words, *catalog._catalogs])
    monkeypatch.setattr(catalog, "_plurals", [catalog._plurals[0], *catalog._plurals])
