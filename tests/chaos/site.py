"""One installation to break: a database, a Redis, proxies, workers, and a test that drives it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import redis
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connections
from django.test import override_settings

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import LIVE, State
from djtasks.testing.servers import start_valkey
from tests.acceptance.processes import WorkerProcess, worker_environment
from tests.chaos import faults, journal
from tests.chaos.homes import Home
from tests.chaos.profiles import PROFILE
from tests.chaos.proxy import Proxy
from tests.routing import Home as Router
from tests.settings import CACHES, OURS
from tests.waiting import eventually

ALIAS = "chaos"
T = TypeVar("T")


class Site:
    """What a scenario has. All it starts ends with it."""

    def __init__(self, home: Home, seed: int) -> None:
        self.home = home
        self.seed = seed
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="djt-chaos-"))
        self.journal_path = self.folder / "journal"
        self.database = home.create()
        self.valkey = start_valkey(self._place("valkey"))
        self.options: dict[str, Any] = {
            "broker": "redis",
            "cache": "tasks",
            "heartbeat": PROFILE.heartbeat,
            "imports": ["tests.chaos.tasks"],
        }
        self.workers: list[WorkerProcess] = []
        self.others: list[subprocess.Popen[bytes]] = []
        self.proxies: list[Proxy] = []
        self.events: list[str] = []
        self.began = time.monotonic()

    def _place(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(exist_ok=True)
        return place

    def say(self, text: str) -> None:
        """Put an event into the log that a failure shows."""
        self.events.append(f"{time.monotonic() - self.began:8.3f} {text}")

    @contextmanager
    def opened(self) -> Iterator["Site"]:
        """Let this process, the driver, use the installation's database and Redis."""
        settings = connections.configure_settings(
            {"default": self.database, ALIAS: dict(self.database)}
        )
        connections.settings[ALIAS] = settings[ALIAS]
        changed = override_settings(
            DATABASE_ROUTERS=[Router(ALIAS)],
            CACHES=CACHES | {"tasks": CACHES["tasks"] | {"LOCATION": self.valkey.url}},
            TASKS={"default": self.task_backend()},
        )
        try:
            with changed:
                call_command("migrate", "djtasks", database=ALIAS, verbosity=0)
                yield self
        finally:
            self.close()
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.settings[ALIAS]
            self.home.drop(self.database)

    def task_backend(self) -> dict[str, Any]:
        queues = ["default", "mail", "reports"]
        return {"BACKEND": OURS, "QUEUES": queues, "OPTIONS": self.options}

    def close(self) -> None:
        for one in self.workers:
            with_continue(one)
            one.clean_up()
        for other in self.others:
            other.kill()
            other.wait()
        for proxy in self.proxies:
            proxy.close()
        self.valkey.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Processes

    def environment(
        self,
        *,
        database: Proxy | None = None,
        redis_at: Proxy | None = None,
        lose: dict[str, float] | None = None,
        broker: str | None = None,
        **extra: str,
    ) -> dict[str, str]:
        """Return what a process of this installation finds its way by."""
        reached = dict(self.database)
        if database is not None:
            reached |= {"HOST": "127.0.0.1", "PORT": str(database.port)}
        url = f"redis://127.0.0.1:{redis_at.port}/0" if redis_at else self.valkey.url
        if broker is None and any(name.startswith("broker.") for name in lose or {}):
            broker = "tests.chaos.faults.LosingBroker"
        return {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "CHAOS_DATABASE": json.dumps(reached),
            "CHAOS_REDIS": url,
            "CHAOS_OPTIONS": json.dumps(self.options | ({"broker": broker} if broker else {})),
            journal.PATH: str(self.journal_path),
            faults.FAULTS: json.dumps(lose or {}),
            faults.SEED: str(self.seed),
            "UNTRACED": "1",
        } | extra

    def worker(
        self, *flags: str, wait: bool = True, heartbeat: bool = False, **how: Any
    ) -> WorkerProcess:
        """Start a worker; by default it is up when this returns."""
        always = [] if heartbeat else ["--no-beat"]
        started = WorkerProcess(*always, *flags, **self.environment(**how))
        self.workers.append(started)
        if wait:
            eventually(lambda: self.pids_of(started), seconds=120)
        self.say(f"worker {started.pid} with {' '.join(flags)} {how or ''}")
        return started

    def python(self, module: str, *arguments: str, **how: Any) -> "subprocess.Popen[bytes]":
        """Start a module of ours as a process of this installation."""
        self.say(f"python -m {module} {' '.join(arguments)}")
        started = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=worker_environment() | self.environment(**how),
        )
        self.others.append(started)
        return started

    def pids_of(self, one: WorkerProcess) -> list[int]:
        """Return the pids of its children that live and are registered."""
        mine = {process.pid for process in one.descendants() if is_alive(process)}
        known = self.ask(lambda: list(WorkerRecord.objects.values_list("pid", flat=True)))
        return [pid for pid in known if pid in mine]

    def kill_child(self, one: WorkerProcess) -> bool:
        """`kill -9` one of its children, by lot; False when it has none at this moment."""
        pids = sorted(self.pids_of(one))
        if not pids:
            return False
        pid = self.random.choice(pids)
        self.say(f"kill -9 child {pid} of {one.pid}")
        try:
            victim = psutil.Process(pid)
            victim.kill()
        except psutil.NoSuchProcess:
            return False
        eventually(lambda: not is_alive(victim))
        return True

    def kill_worker(self, one: WorkerProcess) -> list[psutil.Process]:
        """`kill -9` a supervisor, as a host dies; return the children it had."""
        children = one.descendants()
        self.say(f"kill -9 worker {one.pid}")
        one.kill()
        return children

    def stop(self, one: WorkerProcess) -> list[int]:
        """SIGSTOP a worker with all its processes; return their pids."""
        processes = [psutil.Process(one.pid), *one.descendants()]
        for process in processes:
            process.suspend()
        self.say(f"SIGSTOP worker {one.pid}")
        return [process.pid for process in processes]

    def go_on(self, one: WorkerProcess) -> None:
        """SIGCONT a worker with all its processes."""
        self.say(f"SIGCONT worker {one.pid}")
        with_continue(one)

    # Servers

    def kill_redis(self) -> None:
        """`kill -9` it; what it held is gone, but for a dump that somebody asked for."""
        pid = self.redis().info("server")["process_id"]
        self.say("kill -9 redis")
        os.kill(pid, signal.SIGKILL)
        self.valkey.guard.wait(30)
        self.valkey.stop()

    def start_redis(self) -> None:
        """Start it again, empty or with its dump."""
        (self.folder / "valkey" / "valkey.sock").unlink(missing_ok=True)
        self.valkey = start_valkey(self.folder / "valkey")
        self.say(f"redis is back with {self.hints()} hints")

    def redis(self) -> "redis.Redis":
        """Return a client of the Redis itself, past all proxies."""
        return redis.Redis.from_url(self.valkey.url)

    def hints(self) -> int:
        """Return how many hints Redis holds."""
        client = self.redis()
        return sum(client.zcard(key) for key in client.scan_iter())

    def database_proxy(self) -> Proxy:
        assert not isinstance(self.database.get("HOST"), type(None)), "a file has no network"
        return self._proxied(self.home.proxy(seed=self.seed))  # type: ignore[union-attr]

    def redis_proxy(self) -> Proxy:
        return self._proxied(Proxy(self.folder / "valkey" / "valkey.sock", seed=self.seed))

    def _proxied(self, proxy: Proxy) -> Proxy:
        self.proxies.append(proxy)
        return proxy

    # What is

    def ask(self, question: Callable[[], T], *, seconds: float = 60) -> T:
        """Ask the database, again while it is away."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return question()
            except (DatabaseError, InterfaceError):
                connections[ALIAS].close()
                if time.monotonic() > deadline:
                    raise

    def states(self) -> Counter[State]:
        """Return how many records there are of each state."""
        stored = self.ask(lambda: list(TaskRecord.objects.values_list("state", flat=True)))
        return Counter(map(State, stored))

    def live_count(self) -> int:
        return self.ask(TaskRecord.objects.filter(state__in=LIVE).count)

    def running_on(self, one: WorkerProcess) -> int:
        """Return how many records its children hold at this moment."""
        workers = WorkerRecord.objects.filter(pid__in=self.pids_of(one)).values("pk")
        return self.ask(TaskRecord.objects.filter(worker__in=workers).count)

    def let_pass(self, seconds: float) -> None:
        """Let a fault last so long: the one place where time itself is what a test is about."""
        self.say(f"for {seconds:.1f} s")
        time.sleep(seconds)

    def wait_until_done(self, *, seconds: float = 120) -> None:
        """Wait until every record is final."""
        eventually(lambda: self.live_count() == 0, seconds=seconds)
        self.say("all final")

    def story(self) -> journal.Story:
        return journal.read(self.journal_path)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that nobody has waited for yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def with_continue(one: WorkerProcess) -> None:
    """Let go on what a scenario has stopped, since nothing stopped can end."""
    try:
        processes = [psutil.Process(one.pid), *one.descendants()]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        try:
            process.resume()
        except psutil.NoSuchProcess:
            continue
