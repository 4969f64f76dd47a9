"""A rule that fires once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from djtasks.schedules.rules.base import Say, english, in_utc, moment_in_words


@dataclass(frozen=True, slots=True)
class Once:
    """Fire at `at`, an aware datetime, and never again."""

    at: datetime

    kind: ClassVar[str] = "once"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at, "The moment of a schedule that fires once"))

    def next_after(self, moment: datetime) -> datetime | None:
        """See Rule."""
        return self.at if self.at > moment else None

    def as_dict(self) -> dict[str, Any]:
        """See Rule."""
        return {"kind": self.kind, "at": self.at.isoformat()}

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """See Rule."""
        return _("Once, on %(moment)s", moment=moment_in_words(self.at))
