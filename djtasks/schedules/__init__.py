"""When schedules fire: rules, what to do about missed runs, and both in plain words.

Standard library and croniter only; no Django, and the clock is always an argument.
"""

from djtasks.schedules.base import Rule
from djtasks.schedules.crontab import Crontab
from djtasks.schedules.every import Every
from djtasks.schedules.once import Once
from djtasks.schedules.policies import (
    CatchUp,
    Coalesce,
    MissedPolicy,
    Overlap,
    Plan,
    SkipIfOlderThan,
    due_times,
    missed_from,
)
from djtasks.schedules.preview import Upcoming, upcoming
from djtasks.schedules.stored import rule_from

__all__ = [
    "CatchUp",
    "Coalesce",
    "Crontab",
    "Every",
    "MissedPolicy",
    "Once",
    "Overlap",
    "Plan",
    "Rule",
    "SkipIfOlderThan",
    "Upcoming",
    "due_times",
    "missed_from",
    "rule_from",
    "upcoming",
]
