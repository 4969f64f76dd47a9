"""Exception classes in the options of tasks: `retry_on`, `give_up_on` and `cancel_on`.

A class may be given as a dotted path, for code that cannot be imported where the task is defined.
It is imported when a task first fails.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pkgutil import resolve_name
from typing import Any

from djtasks.errors import DjtasksError

logger = logging.getLogger("djtasks.definitions")

ExceptionClass = type[BaseException] | str
RULES = ("retry_on", "give_up_on", "cancel_on")


class UnknownException(DjtasksError, LookupError):
    """A dotted path in the options of a task leads to no exception class."""


@lru_cache(maxsize=256)
def classes_of(given: Sequence[ExceptionClass]) -> tuple[type[BaseException], ...]:
    """Return the classes, those given by their paths imported.

    A path that leads to no exception class is left out, and logged once.
    """
    found = []
    for one in given:
        try:
            found.append(class_of(one))
        except UnknownException as error:
            logger.error("Exception class not found: %s", error)  # noqa: TRY400 - it says why
    return tuple(found)


def class_of(given: ExceptionClass) -> type[BaseException]:
    """Return the class itself or the one at this dotted path; raise UnknownException."""
    if not isinstance(given, str):
        return given
    try:
        found = resolve_name(given)
    except Exception as error:
        raise UnknownException(
            f"{given!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    raise UnknownException(f"{given!r} is no exception class, but {found!r}.")


def contradictions(task: Any) -> Iterator[str]:
    """Return a sentence for each path without a class, and each class in two of the options."""
    named = {rule: list(_named(getattr(task, rule) or ())) for rule in RULES}
    for rule, classes in named.items():
        yield from (f"{rule!r}: {one}" for one in classes if isinstance(one, UnknownException))
    for first, second in combinations(RULES, 2):
        both = [one for one in named[first] if isinstance(one, type) and one in named[second]]
        for one in both:
            yield f"{one.__module__}.{one.__qualname__} is in {first!r} and in {second!r}."


def _named(given: Iterable[ExceptionClass]) -> Iterator[type[BaseException] | UnknownException]:
    for one in given:
        try:
            yield class_of(one)
        except UnknownException as error:
            yield error
