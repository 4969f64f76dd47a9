"""When schedules fire: rules, policies for missed runs, and both in plain words.

Standard library and croniter only; no Django, and the clock is always an argument.
"""

from djtasks.schedules.rules.base import Rule
from djtasks.schedules.rules.crontab import Crontab
from djtasks.schedules.rules.every import Every
from djtasks.schedules.rules.once import Once
from djtasks.schedules.rules.policies import (
    CatchUp,
    Coalesce,
    MissedPolicy,
    Overlap,
    Plan,
    SkipIfOlderThan,
    due_times,
    missed_from,
)
from djtasks.schedules.rules.preview import Upcoming, upcoming
from djtasks.schedules.rules.stored import rule_from

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
