"""What a child claimed and does not run itself: it goes back, or on to a child of its own.

What has not started goes back, so that somebody else runs it at once. A suspect passes from the
child that claimed it to one that runs nothing else. Each step is a compare-and-set on the row.
A step whose answer never comes leaves the record in nobody's hands, so that whoever owns its row
by now gives it back: its audit, or its end.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.records import Claim
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.loops import close_quietly

logger = logging.getLogger("djtasks.worker")


def give_back(engine: Engine, holdings: Holdings, claims: Sequence[Claim], *, worker: UUID) -> None:
    """Make records READY again and push their hints, as old as they are.

    A step whose answer never comes may have been taken, so none of them is run here. What still
    names this worker is given back by its audit, or at its end; the indexer finds it then.
    """
    try:
        engine.store.give_back([(claim.id, claim.fence) for claim in claims], worker=worker)
        if engine.broker is not None:
            now = engine.store.now()
            engine.broker.push([_hint_of(claim, now) for claim in claims])
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Not given back yet count=%s error=%s", len(claims), error)
        close_quietly(engine.database)
    except BrokerUnavailable as error:
        logger.warning("Given back without hints count=%s error=%s", len(claims), error)
    finally:
        for claim in claims:
            holdings.remove(claim)


def reassign(
    engine: Engine, holdings: Holdings, claim: Claim, *, new_owner: UUID, previous: UUID
) -> bool:
    """Take a suspect over from `previous`; return whether it is `new_owner`'s to run."""
    # Held before it is ours, so that the audit never takes it for a stranger.
    holdings.add(claim)
    try:
        taken = engine.store.reassign(claim, new_owner=new_owner, worker=previous)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Suspect not taken over id=%s error=%s", claim.id, error)
        close_quietly(engine.database)
        taken = False
    if not taken:
        holdings.remove(claim)
    return taken


def release_claims(
    engine: Engine, holdings: Holdings, claim: Claim, *, worker: UUID, taken: bool
) -> None:
    """Forget a suspect that somebody has taken over; give back one that nobody took."""
    holdings.remove(claim)
    if taken:
        return
    try:
        engine.store.give_back([(claim.id, claim.fence)], worker=worker)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Suspect not given back yet id=%s error=%s", claim.id, error)
        close_quietly(engine.database)


def _hint_of(claim: Claim, now: datetime) -> Hint:
    run_after = now - timedelta(seconds=claim.waited)
    return Hint(claim.id, claim.queue, score_of(claim.priority, run_after))
