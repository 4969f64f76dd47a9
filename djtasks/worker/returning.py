"""What a child claimed and did not start goes back, so that somebody else runs it at once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.claims import Claim
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.hints import Hint, score_of
from djtasks.worker.holdings import Holdings
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


def _hint_of(claim: Claim, now: datetime) -> Hint:
    run_after = now - timedelta(seconds=claim.waited)
    return Hint(claim.id, claim.queue, score_of(claim.priority, run_after))
