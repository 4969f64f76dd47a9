"""A suspect passes from the child that claimed it to one that runs nothing else.

Each step is a compare-and-set on the row. A step whose answer never comes leaves the record in
nobody's hands, so that whoever owns its row by now gives it back: its audit, or its end.
"""

import logging
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.claims import Claim
from djtasks.engine import Engine
from djtasks.worker.holdings import Holdings
from djtasks.worker.loops import close_quietly

logger = logging.getLogger("djtasks.worker")


def adopt(engine: Engine, holdings: Holdings, claim: Claim, *, heir: UUID, previous: UUID) -> bool:
    """Take a suspect over from `previous`; return whether it is `heir`'s to run."""
    # Held before it is ours, so that the audit never takes it for a stranger.
    holdings.add(claim)
    try:
        taken = engine.store.adopt(claim, heir=heir, worker=previous)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Suspect not taken over id=%s error=%s", claim.id, error)
        close_quietly(engine.database)
        taken = False
    if not taken:
        holdings.remove(claim)
    return taken


def let_go(engine: Engine, holdings: Holdings, claim: Claim, *, worker: UUID, taken: bool) -> None:
    """Forget a suspect that somebody has taken over; give back one that nobody took."""
    holdings.remove(claim)
    if taken:
        return
    try:
        engine.store.give_back([(claim.id, claim.fence)], worker=worker)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Suspect not given back yet id=%s error=%s", claim.id, error)
        close_quietly(engine.database)
