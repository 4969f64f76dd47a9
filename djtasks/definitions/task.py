"""`@task` and `Task`: a function, how to run it, and how to enqueue it."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)

from djtasks.compat import (
    DEFAULT_TASK_BACKEND_ALIAS,
    DEFAULT_TASK_QUEUE_NAME,
    DjangoTask,
    InvalidTask,
)
from djtasks.definitions.binding import BoundTask
from djtasks.definitions.encrypting import require_parameters
from djtasks.definitions.exceptions import ExceptionClass, classes_of
from djtasks.definitions.misnamed import explaining, method_error
from djtasks.definitions.option_types import Duration, StorePolicy, TaskOptions, Unique
from djtasks.definitions.options import shape_options, target_of, with_missing_setting
from djtasks.definitions.pickling import reduced
from djtasks.protocol.retry import Backoff, BackoffFunction, RetryPolicy

if TYPE_CHECKING:
    from typing import Self

    from djtasks.context import Context
    from djtasks.results import TaskResult

P = ParamSpec("P")
T = TypeVar("T")

Items = Iterable[list[Any] | tuple[Any, ...] | Mapping[str, Any]]

_BACKOFF = Backoff()
# None is a value of some options: no limit, no key.
_KEEP: Any = object()

if TYPE_CHECKING:

    class _Base(DjangoTask[P, T]): ...

else:
    # `DjangoTask[P, T]` fails at run time on Django 6.1, whose Task is not generic.
    class _Base(DjangoTask, Generic[P, T]):
        __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(_Base[P, T]):
    """A function that workers can run, with the options of its runs.

    `max_attempts`: how often it may run and fail, counted from 1.
    `max_crashes`: how often its process may die under it; 1 means it never starts twice.
    `backoff`: the delays between attempts, or Django's proposed function of
        (exception, task_result) that returns seconds, or None to give up.
    `retry_on`, `give_up_on`, `cancel_on`: exception classes, or their dotted paths. The first are
        retried (None means every failure), the second are not, and the third end the task as
        CANCELLED. `cancel_on` wins over `give_up_on`, and that over `retry_on`.
    `timeout`: how long one attempt may take; None means no limit.
    `expires`: how long, or until when, it is worth starting at all; None means for ever.
    `unique`: True (the arguments), a text or a function of the arguments that returns one;
        while a record with that key is not final, enqueueing returns that record.
    `store`: which finished records are kept: "all", only "errors" (failures), or "none".
    `sensitive`: names of arguments that the admin hides.
    `typed`: whether the annotations of the function say how its arguments travel. True with
        @task; False for the tasks of Django's own decorator, which a policy may change.
    `encrypted`: names of arguments that the record holds encrypted; nobody but the function itself
        gets their values.
    `aliases`: dotted paths that the function had before it was moved or renamed; workers still
        run records with these paths.
    `run_after_delay`: set by `using(run_after=timedelta)`; counted from `enqueue`.
    `target`: set by `using(target=instance)`; the object a record is about.
    `tags`: set by `using(tags=[...])`; texts by which people find its records.
    `metadata`: set by `using(metadata={...})`; values about a call that are no arguments.
    `overridden`: the names of the options that `using()` has set, which win over a policy.
    """

    # Django 6.0 gives its own fields no defaults.
    priority: int = 0
    backend: str = DEFAULT_TASK_BACKEND_ALIAS
    queue_name: str = DEFAULT_TASK_QUEUE_NAME
    run_after: datetime | None = None
    takes_context: bool = False
    max_attempts: int = 1
    max_crashes: int = 3
    backoff: Backoff | BackoffFunction = _BACKOFF
    retry_on: tuple[ExceptionClass, ...] | None = None
    give_up_on: tuple[ExceptionClass, ...] = ()
    cancel_on: tuple[ExceptionClass, ...] = ()
    timeout: timedelta | None = None
    expires: timedelta | datetime | None = None
    unique: Unique = None
    store: StorePolicy = "all"
    sensitive: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    typed: bool = False
    run_after_delay: timedelta | None = None
    target: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = field(default=None, hash=False)
    overridden: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def __post_init__(self) -> None:
        shape_options(self)
        try:
            DjangoTask.__post_init__(self)
        except InvalidTask as error:
            raise with_missing_setting(error) from None
        if self.encrypted:
            require_parameters(self)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say what to write instead of another queue's method, such as `delay`."""
            raise method_error(name)

    @explaining("using()")
    def using(  # noqa: PLR0913 - Django's signature, plus the options that a row carries
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | timedelta | None = _KEEP,
        backend: str | None = None,
        max_attempts: int | None = None,
        max_crashes: int | None = None,
        timeout: Duration | None = _KEEP,
        expires: Duration | datetime | None = _KEEP,
        unique: Unique = _KEEP,
        target: Any = _KEEP,
        tags: Collection[str] | None = _KEEP,
        metadata: Mapping[str, Any] | None = _KEEP,
    ) -> "Self":
        """Return a copy of this task with other options; those you leave out stay.

        `run_after` is an aware datetime or a timedelta counted from `enqueue`. `target` is a
        saved model instance: its tasks are listed on its own page of the admin. `tags` are texts
        to search by, `metadata` is a dict of JSON values that the task reads and may change;
        both replace earlier ones. For these four and for `timeout`, `expires` and `unique`, None
        removes the option. For the others, it keeps it.
        """
        options = {name: value for name, value in locals().items() if name != "self"}
        changes = {
            name: value
            for name, value in options.items()
            if value is not _KEEP and (value is not None or name in _MAY_BE_NONE)
        }
        if changes.get("target") is not None:
            changes["target"] = target_of(target)
        if isinstance(run_after, timedelta):
            changes |= {"run_after": None, "run_after_delay": run_after}
        elif run_after is not _KEEP:
            changes["run_after_delay"] = None
        return replace(self, **changes, overridden=self.overridden | changes.keys())

    def __reduce__(self) -> Any:
        """Pickle where the task is defined, and the options that differ from its definition."""
        return reduced(self)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> BoundTask[T]:
        """Return this call, kept for a node of a workflow: `flow.add(task.bind(...))`.

        It takes the arguments of `enqueue()`, and type checkers check them. An argument may be a
        node: then the task receives what that node returned.
        """
        return BoundTask(self, args, kwargs)

    def enqueue_many(self, items: Items) -> int:
        """Enqueue one record per item, all in one transaction, and return how many are new.

        An item is a list or tuple of positional arguments or a mapping of keyword arguments.
        A generator of any length takes constant memory. Raises InvalidArguments, naming the index
        of the first bad item; then nothing at all is enqueued. Does not send `task_enqueued`.
        """
        count: int = _many(self).enqueue_many(self, items)
        return count

    async def aenqueue_many(self, items: Items) -> int:
        """See enqueue_many()."""
        count: int = await _many(self).aenqueue_many(self, items)
        return count

    @property
    def retry_policy(self) -> RetryPolicy:
        """The policy that decides which failures are retried and when, and which are none."""
        return RetryPolicy(
            max_attempts=self.max_attempts,
            backoff=self.backoff,
            retry_on=None if self.retry_on is None else classes_of(self.retry_on),
            give_up_on=classes_of(self.give_up_on),
            cancel_on=classes_of(self.cancel_on),
        )

    if TYPE_CHECKING:

        def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[T]: ...  # type: ignore[override]
        async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[T]: ...  # type: ignore[override]
        def get_result(self, result_id: str) -> TaskResult[T]: ...  # type: ignore[override]
        async def aget_result(self, result_id: str) -> TaskResult[T]: ...  # type: ignore[override]


_MAY_BE_NONE = {"run_after", "timeout", "expires", "unique", "target", "tags", "metadata"}


# For every way to define a task, Django's own decorator included.
_explained: Any = explaining("@task")(Task.__init__)
Task.__init__ = _explained  # type: ignore[method-assign]


def _many(task: Task[..., Any]) -> Any:
    backend = task.get_backend()
    if not hasattr(backend, "enqueue_many"):
        raise InvalidTask(
            f"The backend {task.backend!r} ({type(backend).__name__}) cannot enqueue many tasks "
            f"at once. Use djtasks.backend.DjtasksBackend or a backend of djtasks.testing."
        )
    return backend


class _Define(Protocol):
    """`@task(...)`: the result of a coroutine function is what it returns when awaited."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> Task[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Task[P, T]: ...


class _DefineWithContext(Protocol):
    """`@task(takes_context=True, ...)`: callers leave the first argument out."""

    @overload
    def __call__(
        self, function: "Callable[Concatenate[Context, P], Coroutine[Any, Any, T]]", /
    ) -> Task[P, T]: ...
    @overload
    def __call__(self, function: "Callable[Concatenate[Context, P], T]", /) -> Task[P, T]: ...


@overload
def task(function: Callable[P, Coroutine[Any, Any, T]], /) -> Task[P, T]: ...
@overload
def task(function: Callable[P, T], /) -> Task[P, T]: ...
@overload
def task(*, takes_context: Literal[True], **options: Unpack[TaskOptions]) -> _DefineWithContext: ...
@overload
def task(*, takes_context: Literal[False] = ..., **options: Unpack[TaskOptions]) -> _Define: ...


def task(function: Any = None, /, **options: Any) -> Any:
    """Turn a module-level function into a Task; see `Task` for the options.

    Raises InvalidTask if an option or the function is not valid. Raises TypeError for `run_after`,
    `target`, `tags` and `metadata`, which belong to a single enqueue: `using(run_after=...)`.
    """
    for name in ("run_after", "target", "tags", "metadata"):
        if name in options:
            raise TypeError(
                f"@task does not accept {name}, because it belongs to a single enqueue. "
                f"Use .using({name}=...) instead."
            )

    def wrap(func: Callable[..., Any]) -> Task[..., Any]:
        return Task(func=func, **{"typed": True, **options})

    return wrap if function is None else wrap(function)
