"""What tasks have returned, in the types of their return annotations."""

from contextlib import suppress
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from djtasks.compat import InvalidTaskBackend, TaskResultStatus
from djtasks.definitions import registry
from djtasks.definitions.codecs.building import codec_of
from djtasks.definitions.codecs.codec import Codec


def typed_result(task: Any, plain: Any) -> Any:
    """Return a return value from its JSON value; see Codec.decode_result()."""
    codec = _codec_of_result(task)
    return plain if codec is None else codec.decode_result(plain)


def read_instances(result: Any) -> None:
    """Read the model instances in a result's return value now, since a coroutine could not.

    One that is gone is reported where the value is asked for.
    """
    if result.status is not TaskResultStatus.SUCCESSFUL:
        return
    codec = _codec_of_result(result.task)
    if codec is not None and codec.returns_references:
        with suppress(ObjectDoesNotExist):
            _ = result.return_value


def _codec_of_result(task: Any) -> Codec | None:
    """Return the codec of the definition, with its policy: the task of a result has neither."""
    engine = None
    with suppress(InvalidTaskBackend):  # an alias that the settings no longer have
        engine = getattr(task.get_backend(), "engine", None)
    found = (engine.find if engine else registry.find)(task.module_path)
    return None if found is None else codec_of(found)
