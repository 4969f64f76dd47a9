"""How the arguments and the return value of a task travel, by the annotations of its function.

`codec_of(task)` is None for a task whose values travel as JSON carries them, as most do. Text is
made and read in two places only: `encode_call` in the caller, and the worker's `Running.call`.
"""

from djtasks.definitions.codecs.building import (
    RETURN,
    Problem,
    codec_of,
    codec_while_importing,
    problems_of,
)
from djtasks.definitions.codecs.calls import encode_call, plain_call, typed_call
from djtasks.definitions.codecs.codec import Codec

__all__ = [
    "RETURN",
    "Codec",
    "Problem",
    "codec_of",
    "codec_while_importing",
    "encode_call",
    "plain_call",
    "problems_of",
    "typed_call",
]
