"""Build the record of a call, and validate its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from djtasks.context import current_task
from djtasks.definitions.codecs import encode_call, plain_call, typed_call
from djtasks.definitions.signatures import arguments_of, check_call
from djtasks.definitions.task import Task
from djtasks.enqueueing.encrypting import concealed, stored_texts
from djtasks.errors import InvalidArguments
from djtasks.formats.encryption import NO_KEYS, Cipher
from djtasks.formats.ids import new_id
from djtasks.formats.json_values import decode, encode, encode_metadata, encode_sorted
from djtasks.protocol.records import NewRecord

_LONGEST_KEY = 512
_Keys = tuple[str | None, tuple[str, ...]]
_NO_KEYS: _Keys = (None, ())
_Task = Task[..., Any]
_Args = Sequence[Any]
_Kwargs = Mapping[str, Any]


def build_record(
    task: _Task,
    args: _Args,
    kwargs: _Kwargs,
    *,
    backend: str,
    limit: int,
    cipher: Cipher = NO_KEYS,
    is_whole: bool = True,
) -> NewRecord:
    """Return the record of one call, with a new id, and the task that runs here as its parent.

    `limit` is the largest size of the arguments, and of the metadata, as JSON, in bytes. `cipher`
    encrypts those that the task names. `is_whole` False: a result will take the place of some
    argument. Raises InvalidArguments if the call does not fit the
    function, JSON cannot carry it, or the unique key is not valid; InvalidTask if `cipher` cannot
    encrypt.
    """
    path = task.module_path
    check_call(path, task.func, args, kwargs, takes_context=task.takes_context)
    texts = _encoded(task, args, kwargs, limit, is_whole=is_whole)
    keys = _unique_keys(task, args, kwargs, texts)
    if task.encrypted:
        texts = stored_texts(task, texts, cipher)
    return _record(task, texts, keys, backend=backend, limit=limit)


def _record(
    task: _Task, texts: tuple[str, str], keys: _Keys, *, backend: str, limit: int
) -> NewRecord:
    path = task.module_path
    unique_key, earlier_keys = keys
    return NewRecord(
        id=new_id(),
        backend=backend,
        task_path=path,
        queue=task.queue_name,
        priority=task.priority,
        args=texts[0],
        kwargs=texts[1],
        max_attempts=task.max_attempts,
        max_crashes=task.max_crashes,
        run_after=task.run_after,
        delay=task.run_after_delay,
        expires=task.expires,
        timeout=task.timeout,
        unique_key=unique_key,
        earlier_keys=earlier_keys,
        target=task.target,
        parent=current_task.get(),
        tags=encode(task.tags, "tags").decode() if task.tags else None,
        metadata=encode_metadata(path, task.metadata, limit=limit) if task.metadata else None,
    )


def _encoded(
    task: _Task, args: _Args, kwargs: _Kwargs, limit: int, *, is_whole: bool
) -> tuple[str, str]:
    try:
        return encode_call(task, args, kwargs, limit=limit, is_whole=is_whole)
    except InvalidArguments as error:
        raise concealed(error, task, args, kwargs) from None


def build_item(
    task: _Task, index: int, item: Any, *, backend: str, limit: int, cipher: Cipher = NO_KEYS
) -> NewRecord:
    """Return the record of one item of `enqueue_many`; an error names the item's index."""
    try:
        if isinstance(item, Mapping):
            return build_record(task, (), item, backend=backend, limit=limit, cipher=cipher)
        if isinstance(item, list | tuple):
            return build_record(task, item, {}, backend=backend, limit=limit, cipher=cipher)
        raise InvalidArguments(
            f"an item must be a tuple of positional or a dict of keyword arguments, got "
            f"{type(item).__name__}."
        )
    except InvalidArguments as error:
        # What an encrypted argument had to do with it must not be told as the cause, either.
        cause = None if task.encrypted else error
        raise type(error)(f"Item {index}: {error} Nothing was enqueued.") from cause


def _unique_keys(task: _Task, args: _Args, kwargs: _Kwargs, texts: tuple[str, str]) -> _Keys:
    """Return the key of a unique task and those under earlier secrets, or no keys.

    Keys of different tasks never collide.
    """
    unique = task.unique
    if unique is None or unique is False:
        return _NO_KEYS
    if unique is True:
        return _keys_of_call(task, *map(decode, texts))
    asked: Any = unique
    if not isinstance(unique, str):
        positional, named = typed_call(task, args, kwargs, texts)
        asked = unique(*positional, **named)
    if asked is None:
        return _NO_KEYS
    key = _checked(task.module_path, str(asked))
    # It may be made of an encrypted argument, and the column is not encrypted.
    return _digests(task.module_path, key.encode()) if task.encrypted else (key, ())


def _keys_of_call(task: _Task, args: _Args, kwargs: _Kwargs) -> _Keys:
    call = arguments_of(
        task.func,
        args,
        kwargs,
        takes_context=task.takes_context,
        as_json=lambda name, default: plain_call(task, (), {name: default})[1][name],
    )
    return _digests(task.module_path, encode_sorted(call, "arguments"))


def _digests(path: str, text: bytes) -> _Keys:
    """Return a key of a text out of which nobody can guess it without SECRET_KEY."""
    salt = f"djtasks.unique:{path}"
    digests = (
        salted_hmac(salt, text, secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    key, *earlier = (f"{path}:{digest}" for digest in digests)
    return key, tuple(earlier)


def _checked(path: str, asked: str) -> str:
    """Return a key that a project asks for, as the column holds it; raise InvalidArguments."""
    encode(asked, f"The unique key of {path!r}")
    longest = _LONGEST_KEY - len(path) - 1
    if not 1 <= len(asked) <= longest:
        raise InvalidArguments(
            f"The unique key of {path!r} must have 1 to {longest} characters, got {len(asked):,}."
        )
    return f"{path}:{asked}"
