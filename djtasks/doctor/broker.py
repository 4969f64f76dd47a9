"""Check the broker: whether it answers, its version and clock, and how full its index is."""

from collections.abc import Iterator

from djtasks.brokers.base import Describes, ServerFacts
from djtasks.doctor.database import judge_clock
from djtasks.doctor.findings import Examination, Finding, Stopwatch, ok, warn
from djtasks.enqueueing.outbox import FULL_INDEX
from djtasks.errors import BrokerUnavailable
from djtasks.inspection.diagnosis.findings import about_broker

_MEGABYTE = 1024 * 1024


def check_broker(examination: Examination) -> Iterator[Finding]:
    """Report the broker's problems; if it has none, its name, memory and clock."""
    broker = examination.engine.broker
    if broker is None:
        yield ok("broker", "No broker: workers fetch from the database.")
        return
    watch = Stopwatch()
    problems = broker.diagnose()
    seconds = watch.lap()
    for problem in problems:
        yield about_broker(problem)
    if problems:
        return
    yield ok("broker", f"{examination.engine.options.broker} answers.", seconds=seconds)
    if isinstance(broker, Describes):
        yield from _described(broker, examination)


def _described(broker: Describes, examination: Examination) -> Iterator[Finding]:
    before = examination.clock()
    facts = broker.describe()
    now = before + (examination.clock() - before) / 2
    yield ok("broker", f"{facts.name}, {_memory(facts)}.")
    if facts.now is not None:
        yield judge_clock("clock", "the broker", facts.now - now)


def _memory(facts: ServerFacts) -> str:
    if facts.used is None:
        return "memory use unknown"
    used = f"{facts.used / _MEGABYTE:,.0f} MB"
    return f"{used} of {facts.limit / _MEGABYTE:,.0f} MB used" if facts.limit else f"{used} used"


def check_index(examination: Examination) -> Iterator[Finding]:
    """Warn about each queue whose index is full, so that producers do not push to it."""
    broker = examination.engine.broker
    try:
        depths = (
            broker.depths(examination.engine.queues) if broker and examination.engine.queues else {}
        )
    except BrokerUnavailable:
        return  # the round trip says more
    for queue, depth in depths.items():
        if depth >= FULL_INDEX:
            yield warn(
                "broker",
                "full-index",
                f"The index of queue {queue!r} is full: {depth:,} ids.",
                f"Start more workers for it: manage.py runworker --queues {queue}. Nothing is "
                "lost: the rest waits in the database.",
            )
