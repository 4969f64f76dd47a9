"""Unique keys under earlier secrets: a live record still holds the key of its call."""

from collections.abc import Sequence

from msgspec.structs import replace

from djtasks.models import TaskRecord
from djtasks.protocol.records import NewRecord


def under_live_keys(database: str, records: Sequence[NewRecord]) -> Sequence[NewRecord]:
    """Return records under the earlier key that a live record holds, else under their own.

    Takes one query, and none unless a record has earlier keys. If the holder becomes final
    meanwhile, the record is inserted under its earlier key, which harms nothing.
    """
    asked = {key for record in records for key in record.earlier_keys}
    if not asked:
        return records
    live = TaskRecord.objects.using(database).filter(unique_key__in=asked)
    held = set(live.values_list("unique_key", flat=True))
    return [_under(record, held) for record in records]


def _under(record: NewRecord, held: set[str | None]) -> NewRecord:
    key = next((key for key in record.earlier_keys if key in held), record.unique_key)
    return replace(record, unique_key=key, earlier_keys=())
