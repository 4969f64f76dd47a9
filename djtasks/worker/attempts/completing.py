"""A transaction that also completes the task; see `Context.complete_in_transaction`."""

from collections.abc import Callable
from types import TracebackType

from django.db import transaction


class Completing:
    """A transaction that calls `complete` before it commits, and rolls back what that raises.

    A class, as Django's `atomic` is: a generator's context manager assigns to the exceptions that
    pass through it, which a frozen dataclass answers with another exception.
    """

    __slots__ = ("_atomic", "_complete")

    def __init__(self, database: str, complete: Callable[[], None]) -> None:
        self._atomic = transaction.atomic(using=database)
        self._complete = complete

    def __enter__(self) -> None:
        self._atomic.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                self._complete()
            except BaseException as refused:
                self._atomic.__exit__(type(refused), refused, refused.__traceback__)
                raise
        self._atomic.__exit__(kind, error, traceback)
