"""Alerts for the admin and `djtasks status`: what needs somebody at once."""

from collections.abc import Sequence
from datetime import datetime

import djtasks
from djtasks.engine import Engine
from djtasks.inspection.diagnosis.facts import QueueFacts, WorkerFacts
from djtasks.inspection.diagnosis.findings import Finding, findings_of
from djtasks.inspection.diagnosis.situation import Situation
from djtasks.inspection.schedules import SchedulerFacts, scheduler_of


def alerts_of(
    engine: Engine,
    queues: Sequence[QueueFacts],
    workers: Sequence[WorkerFacts],
    now: datetime,
    *,
    scheduler: SchedulerFacts | None = None,
) -> list[Finding]:
    """Return the alerts, worst first; pass `scheduler` if you have read it already."""
    situation = Situation(
        now=now,
        backend=engine.alias,
        lease=engine.options.lease,
        version=djtasks.__version__,
        queues=queues,
        workers=workers,
        scheduler=scheduler_of(engine, now) if scheduler is None else scheduler,
        problems=engine.broker.diagnose() if engine.broker else (),
    )
    return [finding for finding in findings_of(situation) if finding.is_alert]
