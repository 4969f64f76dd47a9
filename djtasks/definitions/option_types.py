"""The types of the options of `@task`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from djtasks.definitions.exceptions import ExceptionClass
from djtasks.protocol.retry import Backoff, BackoffFunction

Unique = str | bool | Callable[..., Any] | None
StorePolicy = Literal["all", "errors", "none"]
Duration = timedelta | int | float


class TaskOptions(TypedDict, total=False):
    """The options of @task besides `takes_context`; see Task."""

    priority: int
    queue_name: str
    backend: str
    max_attempts: int
    max_crashes: int
    backoff: Backoff | BackoffFunction
    retry_on: ExceptionClass | tuple[ExceptionClass, ...] | None
    give_up_on: ExceptionClass | tuple[ExceptionClass, ...]
    cancel_on: ExceptionClass | tuple[ExceptionClass, ...]
    timeout: Duration | None
    expires: Duration | datetime | None
    unique: Unique
    store: StorePolicy
    sensitive: str | list[str] | tuple[str, ...]
    encrypted: str | list[str] | tuple[str, ...]
    aliases: str | list[str] | tuple[str, ...]
    typed: bool
