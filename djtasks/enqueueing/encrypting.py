"""Encrypt the arguments that a task names before they are stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from djtasks.compat import InvalidTask
from djtasks.definitions.codecs import codec_of
from djtasks.definitions.encrypting import encrypted_places
from djtasks.definitions.task import Task
from djtasks.errors import ArgumentsTooLarge, InvalidArguments, MissingKey
from djtasks.formats.encryption import NO_KEYS, Cipher
from djtasks.formats.json_values import decode, encode
from djtasks.formats.placeholders import Hidden
from djtasks.formats.sealing import Stored, opened, sealed

_Texts = tuple[str, str]


def stored_texts(task: Task[..., Any], texts: _Texts, cipher: Cipher = NO_KEYS) -> _Texts:
    """Return the JSON texts of a call as its record stores them.

    Raises InvalidTask if this process cannot encrypt.
    """
    args, kwargs = stored_call(task, decode(texts[0]), decode(texts[1]), cipher)
    return encode(args, "args").decode(), encode(kwargs, "kwargs").decode()


def stored_call(
    task: Task[..., Any], args: list[Any], kwargs: dict[str, Any], cipher: Cipher
) -> Stored:
    """Return a call of JSON values as its record stores it; see stored_texts()."""
    path = task.module_path
    try:
        return sealed(path, (args, kwargs), encrypted_places(task, args, kwargs), cipher.encrypt)
    except MissingKey as error:
        raise InvalidTask(
            f"Task {path!r} has encrypted arguments, but {error}. "
            f"docs/guides/security.md says how to make a key."
        ) from None


def opened_call(path: str, args: Any, kwargs: Any, cipher: Cipher) -> Any:
    """Return a stored call with its values; raise MissingKey if they cannot be decrypted."""
    try:
        return opened(path, args, kwargs, cipher.decrypt)
    except MissingKey as error:
        raise MissingKey(f"The arguments of {path!r} are encrypted, and {error}.") from None


def concealed(
    error: InvalidArguments, task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> InvalidArguments:
    """Return an error about arguments that never tells an encrypted value, nor a key inside one."""
    if not task.encrypted or isinstance(error, ArgumentsTooLarge):
        return error
    if codec_of(task) is not None:
        return _hidden(error, task)
    values: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    places = encrypted_places(task, args, kwargs)
    secret = {at for at in places if not isinstance(values[at], Hidden)}
    try:
        encode([None if at in secret else value for at, value in enumerate(args)], "args")
        encode({name: None if name in secret else kwargs[name] for name in kwargs}, "kwargs")
    except InvalidArguments as plain:
        return plain
    return _hidden(error, task)


def _hidden(error: InvalidArguments, task: Task[..., Any]) -> InvalidArguments:
    return type(error)(
        f"An encrypted argument of {task.module_path!r} is not valid. The reason is not shown, "
        f"since it could tell the value. JSON must be able to carry it."
    )
