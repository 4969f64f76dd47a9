"""The table of what is inserted has all that there is to insert."""

from djtasks.models import TaskRecord
from djtasks.protocol.records import NewRecord
from djtasks.store.statements.columns import MEMBER, NAMES, PLACES


def test_every_field_of_a_new_record_fills_a_column() -> None:
    # A delay is part of when it is due; one of the earlier keys may become the unique key.
    # Those of a member are in MEMBER.
    assert {*PLACES, "delay", "earlier_keys", "member"} == set(NewRecord.__struct_fields__)


def test_every_column_is_one_of_the_table() -> None:
    assert {*NAMES, *(column.name for column in MEMBER)} <= {
        field.column for field in TaskRecord._meta.fields
    }
