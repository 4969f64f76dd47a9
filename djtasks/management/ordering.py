"""Orders to workers, which the subcommands name as `djtasks status` shows them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.formats.suggestions import did_you_mean
from djtasks.inspection import WorkerFacts, workers_of
from djtasks.management.subcommands.base import add_backend, add_reason, engines, log_action
from djtasks.management.terminal import Terminal


def add_worker(parser: ArgumentParser) -> None:
    """Add the argument for a worker."""
    parser.add_argument(
        "worker", metavar="WORKER",
        help="HOST:PID as in `djtasks status`, HOST for all workers of a host, or an id",
    )  # fmt: skip
    add_reason(parser)
    add_backend(parser)


def give_order(options: dict[str, Any], out: Terminal, order: str) -> None:
    """Give an order to each worker that is meant; raise CommandError if there is none."""
    asked = options["worker"]
    known = [(engine, one) for engine in engines(options) for one in workers_of(engine)]
    meant = [(engine, one) for engine, one in known if asked in _names(one)]
    count = 0
    for engine, one in meant:
        if operations.order_worker(engine, one.id, order):
            count += 1
            log_action(order, f"worker {_name(one)}", options)
            out.write(f"Worker {_name(one)} was asked to {order}. It obeys at its next heartbeat.")
    if not count:
        names = [_name(one) for _engine, one in known]
        hint = did_you_mean(asked, names) or f"Workers: {', '.join(names) or 'none'}."
        raise CommandError(f"There is no worker {asked!r}. {hint}")


def _name(worker: WorkerFacts) -> str:
    return f"{worker.host}:{worker.pid}"


def _names(worker: WorkerFacts) -> set[str]:
    return {_name(worker), worker.host, str(worker.id)}
