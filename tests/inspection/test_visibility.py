"""Which columns of a record a user may see."""

from djtasks.inspection.fields import FIELDS
from djtasks.inspection.visibility import Visibility


def test_arguments_and_what_is_made_of_them_are_hidden_together() -> None:
    hidden = Visibility(arguments=False).hidden

    assert {"args", "kwargs", "return_value", "progress", "metadata", "key"} <= hidden <= FIELDS
    assert not Visibility(arguments=True).hidden
