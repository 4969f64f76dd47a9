"""ExecuteThenTimeout: a call does what it was asked, and its caller gets an error.

Worker processes wrap every call to store and broker with it when CHAOS_FAULTS says so: a JSON
object of the share of answers that get lost, by name of the call ("*": any call). Every lost
answer is a line in the journal. The first answers of each kind that name a record are lost for
certain, however few and large they are on a slow machine: no test hangs on luck.
"""

import itertools
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from django.db import OperationalError

from djtasks import engine
from djtasks.brokers.base import NamespaceGetter
from djtasks.brokers.redis import RedisBroker
from djtasks.errors import BrokerUnavailable
from djtasks.options import Options
from djtasks.protocol import outcomes
from djtasks.store import workers
from tests.chaos.journal import note

FAULTS, SEED = "CHAOS_FAULTS", "CHAOS_SEED"
UNKNOWN_DELAY, CLOCK = "CHAOS_UNKNOWN_DELAY", "CHAOS_CLOCK"
SURELY_LOST = 3

STORE_CALLS = (
    "insert", "insert_many", "claim", "claim_due", "settle", "reassign", "scan", "fell_due",
    "due_page", "owned_by", "give_back", "report_progress", "now",
)  # fmt: skip
WORKER_CALLS = (
    "register", "heartbeat", "report", "census", "take", "leave", "renew_lease", "read_lease",
    "take_lease", "drop_lease", "paused_queues",
)  # fmt: skip
BROKER_CALLS = ("push", "pop", "depths", "discard")


class ExecuteThenTimeout:
    """`target`, whose answers to some calls get lost."""

    def __init__(
        self, target: Any, calls: tuple[str, ...], error: type[Exception], kind: str
    ) -> None:
        self._target = target
        for name in calls:
            setattr(self, name, losing(getattr(target, name), f"{kind}.{name}", error))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def losing(call: Callable[..., Any], name: str, error: type[Exception]) -> Callable[..., Any]:
    """Return `call` with answers that get lost; those that name records are noted as such."""
    share = _shares().get(name, _shares().get("*", 0.0))
    if not share:
        return call

    sure = itertools.count()

    @wraps(call)
    def asked(*args: Any, **kwargs: Any) -> Any:
        answer = call(*args, **kwargs)
        named = len(answer) if isinstance(answer, list | set) else 0
        if (named and next(sure) < SURELY_LOST) or _is_lost(f"{name} {named > 0}", share):
            note(f"lost:{name}", fence=named)
            raise error(f"the answer to {name} was lost on purpose")
        return answer

    return asked


class LosingBroker(ExecuteThenTimeout):
    """The Redis broker behind such a wire; named in OPTIONS["broker"]."""

    def __init__(self, alias: str, options: Options, namespace: NamespaceGetter) -> None:
        broker = RedisBroker(alias, options, namespace)
        super().__init__(broker, BROKER_CALLS, BrokerUnavailable, "broker")


class DyingBroker(RedisBroker):
    """The Redis broker of a process that dies after its COMMIT, before its push."""

    def push(self, hints: Any) -> int:
        note("died", fence=len(hints))
        os._exit(9)


class CountingBroker(RedisBroker):
    """The Redis broker, with a line in the journal for every push and pop."""

    def push(self, hints: Any) -> int:
        new = super().push(hints)
        note("pushed", fence=len(hints))
        note("pushed-new", fence=new)
        return new

    def pop(self, queues: Any, *, limit: int, wait: timedelta) -> Any:
        taken = super().pop(queues, limit=limit, wait=wait)
        note("popped", fence=len(taken))
        return taken


def install() -> None:
    """Put the wire in front of the store, once a process, before anybody has imported it."""
    if delay := os.environ.get(UNKNOWN_DELAY):
        outcomes.UNKNOWN_TASK_DELAY = timedelta(seconds=float(delay))
    jump_with_the_clock()
    if not _shares():
        return
    assert "djtasks.worker.supervisor.heartbeat" not in sys.modules, (
        "imported before the faults were installed"
    )
    for name in WORKER_CALLS:
        call = getattr(workers, name)
        setattr(workers, name, losing(call, f"workers.{name}", OperationalError))
    from djtasks.worker import promoter

    promoter.look = losing(promoter.look, "promotion.look", OperationalError)
    open_store = engine.open_store
    engine.open_store = lambda alias: ExecuteThenTimeout(  # type: ignore[assignment,return-value]
        open_store(alias), STORE_CALLS, OperationalError, "store"
    )


def jump_with_the_clock() -> None:
    """Let this process's clock follow the seconds in the file that CHAOS_CLOCK names.

    Only what tells the time of day; what counts seconds goes on, as it does on real machines.
    """
    path = os.environ.get(CLOCK)
    if path is None:
        return
    import time_machine

    def follow() -> None:
        shown = None
        while True:
            wanted = Path(path).read_text()
            if wanted not in ("", shown):  # it may be in the middle of being written
                shown = wanted
                traveller.move_to(time.monotonic() + started + float(wanted))
            pause.wait(0.2)

    def begin() -> None:
        threading.Thread(target=follow, name="clock", daemon=True).start()

    pause = threading.Event()
    started = time.time() - time.monotonic()
    traveller = time_machine.travel(time.time(), tick=True).start()
    # No thread survives a fork, and the server that children are forked from must have none.
    os.register_at_fork(after_in_child=begin)
    if sys.argv[0] != "-c":
        begin()


def _shares() -> dict[str, float]:
    shares: dict[str, float] = json.loads(os.environ.get(FAULTS, "{}"))
    return shares


_due: dict[tuple[int, str], float] = {}


def _is_lost(kind: str, share: float) -> bool:
    """Lose one in every 1 / share of a kind, from the one that the seed says.

    Not by lot: a machine so slow that batches grow makes few calls, and luck might spare all.
    """
    # A forked child must not go on in its parent's row.
    here = (os.getpid(), kind)
    if here not in _due:
        _due[here] = random.Random(f"{os.environ.get(SEED)}:{here}").random()
    _due[here] += share
    if _due[here] < 1:
        return False
    _due[here] -= 1
    return True
