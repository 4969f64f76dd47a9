"""Forms that say at the field which text the database has refused to store."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _

# The forms that this request has cleaned, and the texts that the database has refused before.
_cleaned: ContextVar[list["StorableForm"] | None] = ContextVar("djtasks.forms", default=None)
_refused: ContextVar[Set[str]] = ContextVar("djtasks.refused_texts", default=frozenset())


class StorableForm(forms.Form):
    """A form whose texts go into the database, which may lack some of their characters."""

    def full_clean(self) -> None:
        """Clean the fields; if the database has refused a text of one, only say so.

        Nothing looks at that text again: a validation that asks the database would fail, too.
        """
        if not (bad := self.fields_with(_refused.get())):
            if (seen := _cleaned.get()) is not None:
                seen.append(self)
            super().full_clean()
            return
        self._errors, self.cleaned_data = ErrorDict(), {}
        for name in bad:
            self.add_error(
                name,
                _(
                    "The database has no place for a character of this text, such as an emoji. "
                    "Leave it out."
                ),
            )

    def fields_with(self, texts: Set[str]) -> list[str]:
        """Return the names of the fields in which one of these texts was entered."""
        if not texts or not self.is_bound:
            return []
        return [name for name in self.fields if not texts.isdisjoint(_parts(self[name].data))]


def _parts(entered: Any) -> list[str]:
    """Return the texts of one field; some have several inputs."""
    parts = entered if isinstance(entered, list | tuple) else [entered]
    return [part for part in parts if isinstance(part, str)]


@contextmanager
def cleaned_forms() -> Iterator[list[StorableForm]]:
    """Yield a list that the forms cleaned in this block are added to."""
    found: list[StorableForm] = []
    token = _cleaned.set(found)
    try:
        yield found
    finally:
        _cleaned.reset(token)


@contextmanager
def refused_texts(texts: Set[str]) -> Iterator[None]:
    """Let the forms of this block refuse these texts."""
    token = _refused.set(texts)
    try:
        yield
    finally:
        _refused.reset(token)
