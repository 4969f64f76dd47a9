"""Build the codec of a function, once, when a task of it is first enqueued, run or checked.

Not when it is defined: an annotation may name what is defined later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any, Union

import msgspec

from djtasks.definitions.codecs.annotations import Unresolved, annotations_of
from djtasks.definitions.codecs.codec import Codec, Named, Positional
from djtasks.definitions.codecs.hooks import decoded
from djtasks.definitions.codecs.wire_types import Reader, Unfit
from djtasks.definitions.signatures import called_signature, shown_signature
from djtasks.definitions.task import Task

RETURN = "return"
_MOST_KNOWN = 4096
_OPAQUE = "a decorator hides the parameter: it takes `*args` or `**kwargs`, or another parameter"


@dataclass(frozen=True, slots=True)
class Problem:
    """An annotation that does not apply: `name` is that of the parameter, or `return`.

    `is_unresolved`: it names something that does not exist at run time.
    """

    name: str
    why: str
    is_unresolved: bool = False


@dataclass(slots=True)
class _Built:
    codec: Codec | None = None
    problems: list[Problem] = field(default_factory=list)

    def note(self, name: str, error: Unfit) -> None:
        if error.is_loud:
            self.problems.append(Problem(name, str(error), error.is_unresolved))


# By function, typed or not: a plain task pays for one attribute and one look, 0.1 µs a call.
_codecs: dict[Callable[..., Any], Codec | None] = {}


def codec_of(task: Task[..., Any]) -> Codec | None:
    """Return the codec of a task, or None if its values travel as JSON carries them."""
    try:
        codec = _codecs[task.func]
    except KeyError:
        codec = _remembered(task)
    # A foreign task has no such option.
    return codec if codec is None or getattr(task, "typed", False) else None


def _remembered(task: Task[..., Any]) -> Codec | None:
    if len(_codecs) >= _MOST_KNOWN:
        _codecs.clear()
    _codecs[task.func] = built = _build(task).codec
    return built


def codec_while_importing(task: Task[..., Any]) -> Codec | None:
    """See codec_of(); not kept, since the module may define what an annotation names later."""
    return _build(task).codec if getattr(task, "typed", False) else None


def problems_of(task: Task[..., Any]) -> list[Problem]:
    """Return which annotations of a task do not apply, and why; nothing for an untyped task."""
    return _build(task).problems if getattr(task, "typed", False) else []


def _build(task: Task[..., Any]) -> _Built:
    function, takes_context = task.func, task.takes_context
    annotations = annotations_of(function)
    built = _Built()
    if not annotations:
        return built
    called = called_signature(function, takes_context=takes_context).parameters
    shown = shown_signature(function, takes_context=takes_context).parameters
    types: dict[str, Any] = {}
    references: set[str] = set()
    for name in (*shown, RETURN):
        reader = Reader()
        try:
            types[name] = _type_of(reader, annotations.get(name, Any), shown.get(name))
            if types[name] is not Any and name not in (*called, RETURN):
                raise Unfit(_OPAQUE)
        except Unfit as error:
            types[name] = Any
            built.note(name, error)
        if reader.has_references:
            references.add(name)
    if any(one is not Any for one in types.values()):
        built.codec = _codec(called, types, references)
    return built


def _type_of(reader: Reader, annotation: Any, parameter: Parameter | None) -> Any:
    if isinstance(annotation, Unresolved):
        raise Unfit(annotation.why, is_unresolved=True)
    try:
        kind = reader.wire_type(annotation)
        if kind is not Any and parameter is not None and parameter.default is None:
            kind = Union[kind, None]  # noqa: UP007
        msgspec.json.Decoder(kind, dec_hook=decoded)
    except Unfit:
        raise
    except Exception as error:  # noqa: BLE001
        # What msgspec refuses, and whatever the project's annotations raise.
        raise Unfit(str(error) or type(error).__name__) from None
    return kind


def _codec(
    called: Mapping[str, Parameter], types: Mapping[str, Any], references: set[str]
) -> Codec:
    places: list[Any] = []
    names: dict[str, Any] = {}
    more: dict[Any, Any] = {}
    for name, parameter in called.items():
        kind = types.get(name, Any)
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            more[parameter.kind] = kind
            continue
        if parameter.kind is not Parameter.KEYWORD_ONLY:
            places.append(kind)
        if parameter.kind is not Parameter.POSITIONAL_ONLY:
            names[name] = kind
    return Codec(
        Positional(places, more.get(Parameter.VAR_POSITIONAL)),
        Named(names, more.get(Parameter.VAR_KEYWORD)),
        types[RETURN],
        has_references=bool(references - {RETURN}),
        returns_references=RETURN in references,
    )
