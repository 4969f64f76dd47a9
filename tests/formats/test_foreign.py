"""JSON of another shape than ours is left out, and nothing raises."""

from typing import Any

import pytest

from djtasks.formats import foreign

TASK = {"id": "0197a3c0-0000-7000-8000-000000000001", "path": "a.b", "started_at": 1.5}


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (foreign.object_in, {"a": 1}, {"a": 1}),
        (foreign.objects_in, [{"a": 1}, 1, None, "x"], [{"a": 1}]),
        (foreign.texts_in, ["a", 1, None, {}], ["a"]),
        (foreign.counts_in, {"a": 1, "b": "x", "c": [2]}, {"a": 1}),
        (foreign.running_in, [TASK, TASK | {"id": 7}, TASK | {"path": 1}, {}, None], [TASK]),
    ],
)
def test_what_has_our_shape_is_kept(read: Any, value: Any, found: Any) -> None:
    assert read(value) == found
    for other in (None, 7, True, "text", [], {}):
        assert not read(other)
