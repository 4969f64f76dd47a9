"""A moment that does not move."""

from datetime import UTC, datetime

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
