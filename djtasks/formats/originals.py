"""Whether a tool, such as one that records spans, has put its own function around a library's."""

from types import FunctionType, ModuleType
from typing import Any


def is_original(function: Any, module: ModuleType) -> bool:
    """Return whether this is a function as the module defines it.

    Not by `__module__`, which functools.wraps() copies.
    """
    return type(function) is FunctionType and function.__globals__ is vars(module)
