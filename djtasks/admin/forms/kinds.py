"""How an argument is typed into a form: what is read from text, and what can be chosen."""

import enum
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args, get_origin

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _


def _nowhere() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """How to read a type from text: `read` raises ValueError for text it does not accept.

    `options`: the values to choose from in their JSON form, with labels; none: any that fits.
    `address` returns the page where people look for values, or None.
    """

    read: Callable[[str], Any]
    expected: Callable[[], str]
    rows: int = 0
    options: Sequence[tuple[Any, str]] = ()
    address: Callable[[], str | None] = _nowhere


def kind_of(annotation: Any, *, is_typed: bool) -> Kind:
    """Return the kind of a type; that of JSON if it is no other.

    `is_typed`: the task receives the type, so a moment is one of the current time zone.
    """
    if options := _options_of(annotation):
        return replace(AS_JSON, options=options)
    if not isinstance(annotation, type):
        return AS_JSON
    if issubclass(annotation, Model) and not annotation._meta.abstract:  # noqa: SLF001
        return _of_model(annotation)
    found = _KINDS.get(annotation, AS_JSON)
    return replace(found, read=_exact(annotation)) if is_typed and annotation in _TIMES else found


def _options_of(annotation: Any) -> list[tuple[Any, str]]:
    """Return the values of a Literal or an Enum in their JSON form, with their labels."""
    if get_origin(annotation) is Literal:
        return [(one, str(one)) for one in get_args(annotation)]
    if not isinstance(annotation, enum.EnumType) or issubclass(annotation, enum.Flag):
        return []
    kind: Any = annotation
    members = list(kind)
    if not all(isinstance(one.value, str | int) for one in members):
        return []
    return [(one.value, str(getattr(one, "label", one.name))) for one in members]


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValidationError(
        _("%(name)s cannot be stored as JSON. Use a number or null.") % {"name": name}
    )


def _iso(kind: Any) -> Callable[[str], str]:
    def read(text: str) -> str:
        kind.fromisoformat(text.strip())
        return text.strip()

    return read


def _exact(kind: Any) -> Callable[[str], str]:
    def read(text: str) -> str:
        value = kind.fromisoformat(text.strip())
        if isinstance(value, datetime) and is_naive(value):
            value = make_aware(value)
        whole: str = value.isoformat()
        return whole

    return read


def _decimal(text: str) -> str:
    try:
        Decimal(text.strip())
    except InvalidOperation:
        raise ValueError from None
    return text.strip()


def _of_model(model: type[Model]) -> Kind:
    """Return the kind of a model: an instance is its primary key."""
    meta = model._meta  # noqa: SLF001 - Django's documented Meta API

    def read(text: str) -> Any:
        if len(meta.pk_fields) > 1:
            return _json(text)
        try:
            key = meta.pk.to_python(text.strip())
        except ValidationError:
            raise ValueError from None
        return key if isinstance(key, int) else str(key)

    def expected() -> str:
        return _("the primary key of a %(model)s") % {"model": meta.verbose_name}

    def address() -> str | None:
        try:
            return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        except NoReverseMatch:
            return None

    return Kind(read, expected, address=address)


_TIMES = (date, datetime, time)
AS_JSON = Kind(_json, lambda: _('JSON, such as [1, 2], true or "text" in quotes'), rows=2)
TEXT = Kind(str, lambda: _("text"))
_KINDS: dict[Any, Kind] = {
    str: TEXT,
    int: Kind(lambda text: int(text.strip()), lambda: _("a whole number")),
    float: Kind(lambda text: float(text.strip()), lambda: _("a number")),
    date: Kind(_iso(date), lambda: _("a date such as 2026-10-20")),
    datetime: Kind(_iso(datetime), lambda: _("a date and time such as 2026-10-20T14:30")),
    time: Kind(_iso(time), lambda: _("a time such as 14:30")),
    Decimal: Kind(_decimal, lambda: _("a decimal number")),
    uuid.UUID: Kind(lambda text: str(uuid.UUID(text.strip())), lambda: _("a UUID")),
}
