"""The rules that `make mutations` takes out are still where it looks for them."""

import ast
from pathlib import Path

import pytest

from tests.chaos.mutations import MUTATIONS, ROOT, Mutation, apply

pytestmark = pytest.mark.everyday


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=list(MUTATIONS))
def test_each_rule_can_be_taken_out_of_the_source_as_it_is(
    mutation: Mutation, tmp_path: Path
) -> None:
    for edit in mutation.edits:
        copy = tmp_path / edit.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / edit.path).read_text())

    apply(mutation, tmp_path)

    for edit in mutation.edits:
        mutated = (tmp_path / edit.path).read_text()
        assert mutated != (ROOT / edit.path).read_text()
        ast.parse(mutated)


def test_a_rule_that_is_gone_from_the_source_is_told(tmp_path: Path) -> None:
    mutation = MUTATIONS["self-audit"]
    for edit in mutation.edits:
        copy = tmp_path / edit.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("nothing = None\n")

    with pytest.raises(LookupError, match="bring this up to date"):
        apply(mutation, tmp_path)
