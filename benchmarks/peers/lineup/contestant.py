"""What one contestant is, how its worker is started, and what it promises."""

from dataclasses import dataclass, field
from typing import Any

Command = tuple[str, ...]


@dataclass(frozen=True)
class Durability:
    """Where things live, and what a `kill -9` of a worker or of the broker loses."""

    task: str
    result: str
    worker_killed: str
    broker_killed: str


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One entry of the benchmark.

    `module` is its module in benchmarks/peers/contestants; `group` names its requirements file
    and with it the environment that it runs in, None being djtasks' own. `work` are the commands
    of its worker, `nap` those at concurrency 100 in all, where it can do that without 100
    processes. `{bin}` is the folder of its environment's commands, `{redis}` the server's URL.
    `settings` are its own, `django` those that Django gets; both may contain `{redis}`.
    """

    name: str
    module: str
    group: str | None
    packages: tuple[str, ...]
    needs_python: tuple[int, int] = (3, 11)
    durability: Durability
    count: int
    """How many tasks a drain has: some seconds' worth, since rates differ a hundredfold."""
    work: tuple[Command, ...]
    nap: tuple[Command, ...] = ()
    no_nap: str = ""
    """Why it has no `nap`."""
    settings: dict[str, Any] = field(default_factory=dict)
    django: dict[str, Any] | None = None
    tables: tuple[str, ...] = ()
    processes: int = 2
    poll: float = 0.01
    """Seconds between the polls of an idle worker; samples of the latency are spread over it."""
    is_django: bool = False


DJANGO = ("{bin}/python", "-m", "django")
