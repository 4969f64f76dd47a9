"""Calls whose record does not hold all arguments in the clear: sealed calls.

A plain record has a JSON list of positional and a JSON object of keyword arguments. A sealed one
has a list in place of the object: the plain keyword arguments, and the seal, which says by itself
what is encrypted.

    args    [null, 5]
    kwargs  [{"note": "x"}, {"encrypted": [0, "card"], "token": "gAAAA…"}]

No argument can be mistaken for a seal, since callers cannot pass a list there. Workers of earlier
versions cannot call any function with such a list. They give the record back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from djtasks.errors import MissingKey
from djtasks.formats.json_values import decode
from djtasks.formats.placeholders import ENCRYPTED

# A position, or the name of a keyword argument.
Place = int | str
Call = tuple[list[Any], dict[str, Any]]
# How a call is stored: the keyword arguments are a list if it is sealed.
Stored = tuple[list[Any], dict[str, Any] | list[Any]]
# Of values that came from JSON.
encode = msgspec.json.Encoder().encode


def is_sealed(kwargs: Any) -> bool:
    """Return whether these are the stored keyword arguments of a sealed call."""
    if not (isinstance(kwargs, list) and len(kwargs) == 2):
        return False
    plain, seal = kwargs
    if not (isinstance(plain, dict) and isinstance(seal, dict)):
        return False
    places = seal.get("encrypted")
    return isinstance(places, list) and isinstance(seal.get("token"), str)


def token_of(kwargs: Any) -> str | None:
    """Return the token of a sealed call, or None."""
    token: str | None = kwargs[1]["token"] if is_sealed(kwargs) else None
    return token


def masked(args: Any, kwargs: Any) -> Any:
    """Return a stored call with `[encrypted]` in place of encrypted arguments.

    Needs no key. What is no sealed call is returned unchanged.
    """
    if not is_sealed(kwargs):
        return args, kwargs
    plain, seal = kwargs
    hidden = dict.fromkeys(filter(_is_place, seal["encrypted"]), ENCRYPTED)
    return _with(args, plain, hidden)


def sealed(path: str, call: Call, places: Sequence[Place], encrypt: Callable[[str], str]) -> Stored:
    """Return a call with the arguments at some places encrypted, as a record stores it."""
    args, kwargs = call
    if not places:
        return call
    values = [(place, _at(call, place)) for place in places]
    # With the path: a token that somebody puts into the record of another task is not decrypted.
    token = encrypt(encode((path, values)).decode())
    left = [None if place in places else value for place, value in enumerate(args)]
    plain = {name: value for name, value in kwargs.items() if name not in places}
    return left, [plain, {"encrypted": list(places), "token": token}]


def opened(path: str, args: Any, kwargs: Any, decrypt: Callable[[str], str]) -> Any:
    """Return a stored call with all its arguments; raise MissingKey if they cannot be decrypted.

    What is no sealed call is returned unchanged.
    """
    if not is_sealed(kwargs):
        return args, kwargs
    plain, seal = kwargs
    owner, values = decode(decrypt(seal["token"]))
    if owner != path or [place for place, _value in values] != seal["encrypted"]:
        raise MissingKey("they were encrypted for another task or for other arguments")
    return _with(args, plain, dict(map(tuple, values)))


def _is_place(place: Any) -> bool:
    return isinstance(place, str) or type(place) is int


def _at(call: Call, place: Place) -> Any:
    return call[0][place] if isinstance(place, int) else call[1][place]


def _with(args: Any, kwargs: Mapping[str, Any], values: Mapping[Place, Any]) -> Call:
    given = args if isinstance(args, list) else []
    by_name = {name: value for name, value in values.items() if isinstance(name, str)}
    return [values.get(place, value) for place, value in enumerate(given)], {**kwargs, **by_name}
