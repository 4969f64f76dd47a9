"""Give back claims that a child does not run, or pass them on to a child of their own.

Claims that have not started are given back, so that another worker runs them at once. A suspect
passes from the child that claimed it to one that runs nothing else. Each step is a compare-and-set
on the row. If its answer is lost, neither child holds the record; the one that owns the row gives
it back, by its audit or at its end.
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

    If the answer is lost, the records may be READY, so none of them is run here. Records that
    still name this worker are given back by its audit or at its end; the indexer finds them.
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
    # Held before it is ours, so that the audit never considers it unknown.
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
    """Forget a suspect that another child has taken; give it back if none has."""
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
