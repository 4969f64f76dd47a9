"""Encode and decode the calls and the return values of one function."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.db.models import Model
from msgspec import UNSET, to_builtins

from djtasks.definitions.codecs.hooks import Encoding, Refused, collecting, decoded
from djtasks.definitions.codecs.places import place_of, said_by
from djtasks.definitions.codecs.references import References
from djtasks.errors import InvalidArguments, UnreadableArguments
from djtasks.formats.json_values import decode, encode, encode_arguments

Call = tuple[Sequence[Any], Mapping[str, Any]]
_astuple = msgspec.structs.astuple
_encode = msgspec.json.Encoder().encode
_RESULT = "return value"


class Positional:
    """The positional arguments: the types of their places, and of those that `*args` takes."""

    def __init__(self, types: Sequence[Any], more: Any) -> None:
        self.types = tuple(types)
        self.more = more
        self._typed = [place for place, one in enumerate(types) if one is not Any]
        self.is_plain = more in (None, Any) and not self._typed
        self._decoder = lru_cache(maxsize=64)(self._decoder_of)

    def typed(self, args: Sequence[Any]) -> list[int]:
        """Return the places of the arguments that are converted."""
        count, known = len(args), len(self.types)
        places = [place for place in self._typed if place < count]
        return places if self.more in (None, Any) else [*places, *range(known, count)]

    def _type_of(self, place: int) -> Any:
        return self.types[place] if place < len(self.types) else self.more

    def decode(self, text: str) -> Sequence[Any]:
        if self.is_plain:
            return decode(text)  # type: ignore[no-any-return]
        count = len(self.types) if self.more is None else len(decode(text))
        values = _astuple(self._decoder(count).decode(text))
        if values and values[-1] is UNSET:
            return [one for one in values if one is not UNSET]
        return values

    def _decoder_of(self, count: int) -> "msgspec.json.Decoder[Any]":
        fields = [(f"p{place}", self._type_of(place), UNSET) for place in range(count)]
        kind = msgspec.defstruct("args", fields, array_like=True, forbid_unknown_fields=True)
        return msgspec.json.Decoder(kind, dec_hook=decoded)


class Named:
    """The keyword arguments: the types of their names, and of those that `**kwargs` takes."""

    def __init__(self, types: Mapping[str, Any], more: Any) -> None:
        self.types = dict(types)
        self.more = more
        self.is_plain = more in (None, Any) and all(one is Any for one in types.values())
        self._decoder = lru_cache(maxsize=64)(self._decoder_of)

    def typed(self, kwargs: Mapping[str, Any]) -> list[str]:
        """Return the names of the arguments that are converted."""
        return [name for name in kwargs if self.types.get(name, self.more) not in (None, Any)]

    def decode(self, text: str) -> Mapping[str, Any]:
        if self.is_plain or text == "{}":
            return decode(text)  # type: ignore[no-any-return]
        names = tuple(self.types) if self.more is None else tuple(decode(text))
        values = zip(names, _astuple(self._decoder(names).decode(text)), strict=True)
        return {name: value for name, value in values if value is not UNSET}

    def _decoder_of(self, names: tuple[str, ...]) -> "msgspec.json.Decoder[Any]":
        fields = [
            (f"k{place}", self.types.get(name, self.more), UNSET)
            for place, name in enumerate(names)
        ]
        renamed = {f"k{place}": name for place, name in enumerate(names)}
        kind = msgspec.defstruct("kwargs", fields, rename=renamed, forbid_unknown_fields=True)
        return msgspec.json.Decoder(kind, dec_hook=decoded)


class Codec:
    """Converts what the annotations of one function name; everything else passes through.

    `has_references`, `returns_references`: model instances may be among the arguments or in the
        return value, so decoding reads the database.
    """

    def __init__(
        self,
        positional: Positional,
        named: Named,
        returned: Any,
        *,
        has_references: bool,
        returns_references: bool,
    ) -> None:
        self.has_references = has_references
        self.returns_references = returns_references
        self._positional = positional
        self._named = named
        self._takes_plain = positional.is_plain and named.is_plain
        self._returned = (
            None if returned is Any else msgspec.json.Decoder(returned, dec_hook=decoded)
        )

    def encode(
        self, path: str, call: Call, *, limit: int, is_whole: bool = True
    ) -> tuple[str, str]:
        """Return the JSON texts of a call; raise InvalidArguments naming the place of a bad value.

        The JSON form of a value is accepted too. What is encoded is decoded again, so that a worker
        with this code can read it; unless it is not whole, since a result will take the place of
        an argument.
        """
        plain, met = self.plain(call)
        texts = encode_arguments(path, *plain, limit=limit)
        if self._takes_plain or not is_whole:
            return texts
        references = References() if self.has_references else None
        try:
            self._values(*texts, references)
        except UnreadableArguments as error:
            raise InvalidArguments(f"{error.place} does not fit its annotation: {error}.") from None
        if met:
            _require_same(met, references.found if references is not None else [], call)
        return texts

    def plain(self, call: Call) -> tuple[Call, list[Model]]:
        """Return a call in its JSON form, and the model instances in it.

        Values that are not converted stay as they are. Raises InvalidArguments.
        """
        args, kwargs = call
        places = () if self._positional.is_plain else self._positional.typed(args)
        names = () if self._named.is_plain else self._named.typed(kwargs)
        encoding = Encoding()
        given = [*(args[place] for place in places), *(kwargs[name] for name in names)]
        values = iter(_built_in(given, encoding, call))
        positional, named = list(args), dict(kwargs)
        for place in places:
            positional[place] = next(values)
        for name in names:
            named[name] = next(values)
        return (positional, named), encoding.instances

    def decode(self, args: str, kwargs: str) -> Call:
        """Return the arguments for the function, model instances loaded.

        Raises UnreadableArguments for texts that do not fit, and the DoesNotExist of a model.
        """
        if not self.has_references:
            return self._values(args, kwargs, None)
        references = References()
        values = self._values(args, kwargs, references)
        references.load()
        return values

    adecode = sync_to_async(decode)

    def peek(self, args: str, kwargs: str) -> Call:
        """Return the arguments without a query: model instances are deferred."""
        return self._values(args, kwargs, References())

    def instances(self, args: str, kwargs: str) -> list[Model]:
        """Return the model instances among the arguments, deferred, without a query."""
        references = References()
        self._values(args, kwargs, references)
        return references.found

    def _values(self, args: str, kwargs: str, references: References | None) -> Call:
        token = None if references is None else collecting.set(references)
        root = "args"
        try:
            positional = self._positional.decode(args)
            root = "kwargs"
            return positional, self._named.decode(kwargs)
        except (msgspec.ValidationError, RecursionError) as error:
            place, what = said_by(error, root)
            raise UnreadableArguments(what, place=place) from None
        finally:
            if token is not None:
                collecting.reset(token)

    def encode_result(self, value: Any) -> bytes:
        """Return a return value as JSON; one that does not fit the annotation as JSON carries it.

        Raises InvalidArguments.
        """
        if self._returned is None:
            return encode(value, _RESULT)
        encoding, references = Encoding(), References()
        text = encode(_built_in([value], encoding, None)[0], _RESULT)
        token = collecting.set(references)
        try:
            self._returned.decode(text)
        except msgspec.ValidationError:
            return encode(value, _RESULT)
        finally:
            collecting.reset(token)
        return text if _are_same(encoding.instances, references.found) else encode(value, _RESULT)

    def decode_result(self, value: Any) -> Any:
        """Return what a function has returned, from its JSON value; see encode_result().

        Raises the DoesNotExist of a model.
        """
        if self._returned is None:
            return value
        references = References()
        token = collecting.set(references)
        try:
            found = self._returned.decode(_encode(value))
        except msgspec.ValidationError:
            return value
        finally:
            collecting.reset(token)
        references.load()
        return found


def _built_in(values: list[Any], encoding: Encoding, call: Call | None) -> list[Any]:
    """Return values in their JSON form; raise InvalidArguments, naming a place in the call.

    `call` None: they are one return value.
    """
    try:
        return list(_sorted_built_in(values, encoding))
    except Refused as refused:
        place = _place_in(call, refused.value, values)
        raise InvalidArguments(f"{place} {refused.why}.") from None
    except RecursionError:
        raise InvalidArguments(f"{_place_in(call, None, values)} is nested too deeply.") from None
    except TypeError as error:
        raise InvalidArguments(f"{_place_in(call, None, values)}: {error}.") from None


def _sorted_built_in(values: list[Any], encoding: Encoding) -> Any:
    # Sorted, since texts in a set have another order in each process, and unique keys must not.
    try:
        return to_builtins(values, str_keys=True, enc_hook=encoding.hook, order="deterministic")
    except TypeError:
        encoding.instances.clear()
        return to_builtins(values, str_keys=True, enc_hook=encoding.hook)


def _place_in(call: Call | None, culprit: object, values: list[Any]) -> str:
    if call is None:
        return place_of(culprit, values[0], _RESULT)
    args, kwargs = call
    place = place_of(culprit, args, "args")
    return place if place != "args" else place_of(culprit, kwargs, "kwargs")


def _require_same(met: list[Model], found: list[Model], call: Call) -> None:
    """Raise InvalidArguments unless what decoding found are the instances met in encoding.

    On the wire, the key of a customer would be that of an order.
    """
    if _are_same(met, found):
        return
    for one, other in zip(met, [*found, *[None] * len(met)], strict=False):
        if other is None or not _is_same(one, other):
            place = _place_in(call, one, [])
            label = one._meta.label  # noqa: SLF001 - Django's documented Meta API
            raise InvalidArguments(f"{place} is a {label}, which does not fit its annotation.")
    raise InvalidArguments(
        "The arguments mix model instances and primary keys. Pass instances, or only keys."
    )


def _are_same(met: list[Model], found: list[Model]) -> bool:
    return not met or (len(met) == len(found) and all(map(_is_same, met, found)))


def _is_same(one: Model, other: Model) -> bool:
    return isinstance(one, type(other)) and one.pk == other.pk
