"""Health probes of a long-running process: a file, an HTTP port, both or neither."""

import json
import time

from djtasks.engine import Engine
from djtasks.inspection import Gauges, gauges_of
from djtasks.worker.config import ProbeConfig
from djtasks.worker.loops import Loop
from djtasks.worker.probes.endpoint import Answer, Endpoint
from djtasks.worker.probes.exposition import as_json, as_prometheus
from djtasks.worker.probes.file import HealthFile
from djtasks.worker.probes.health import CHECK_SECONDS, Health, Monitor, Witness

_GAUGES_SECONDS = 10.0
_MISSED_READS = 6
# Reading gauges may take a twentieth of the time.
_SHARE = 20
_STOP_SECONDS = 2.0
_JSON = "application/json"


class Probes:
    """Threads that check a process and publish its health; none if no probe is configured.

    The constructor binds the port, so a port in use is an error at the start. The process is
    checked every `every` seconds.
    """

    def __init__(
        self, engine: Engine, config: ProbeConfig, witness: Witness, *, every: float = CHECK_SECONDS
    ) -> None:
        self._every = every
        self._monitor = Monitor(witness, time.monotonic)
        self._path = config.file
        self._file = HealthFile(config.file) if config.file is not None else None
        self._gauges = _GaugeReader(engine)
        self._endpoint: Endpoint | None = None
        self._loops: list[Loop] = []
        if config.port is not None:
            self._endpoint = Endpoint(config.host, config.port, self.answer)
            self._loops.append(Loop("gauges", self._gauges.tick, database=engine.database))
        if config.port is not None or config.file is not None:
            self._loops.append(Loop("health", self._check))

    @property
    def port(self) -> int | None:
        """The port that the endpoint listens on; None without an endpoint."""
        return self._endpoint.port if self._endpoint else None

    @property
    def lines(self) -> list[str]:
        """The lines of the banner about these probes."""
        found = [f"  health file  {self._path}"] if self._path is not None else []
        if self._endpoint is not None:
            found.append(f"  health port  {self._endpoint.url}/health")
        return found

    def start(self) -> None:
        """Start to check the process and to publish its health."""
        for loop in self._loops:
            loop.start()
        if self._endpoint is not None:
            self._endpoint.start()

    def stop(self) -> None:
        """Remove the file and close the port."""
        if self._endpoint is not None:
            self._endpoint.stop()
        for loop in self._loops:
            loop.stop()
            loop.join(_STOP_SECONDS)
        if self._file is not None:
            self._file.remove()

    def _check(self) -> float:
        health = self._monitor.check()
        if self._file is not None:
            self._file.tell(health)
        return self._every

    def answer(self, path: str) -> Answer:
        """Return the answer to a GET of `path`."""
        match path:
            case "/health":
                health = self._monitor.latest
                return _verdict(health, is_good=health.is_live)
            case "/ready":
                health = self._monitor.latest
                return _verdict(health, is_good=health.is_ready)
            case "/metrics":
                return self._gauges.answer("text/plain; version=0.0.4; charset=utf-8")
            case "/metrics.json":
                return self._gauges.answer(_JSON)
            case _:
                paths = "/health, /ready, /metrics and /metrics.json"
                return Answer(404, "text/plain", f"Not found. Use {paths}.\n")


def _verdict(health: Health, *, is_good: bool) -> Answer:
    facts = {"live": health.is_live, "ready": health.is_ready, "reasons": list(health.reasons)}
    return Answer(200 if is_good else 503, _JSON, json.dumps(facts) + "\n")


class _GaugeReader:
    """Reads the gauges every ten seconds, however many requests come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: Gauges | None = None
        self._read_at = 0.0
        self._good_until = 0.0

    def tick(self) -> float:
        """Read the gauges once; return the pause in seconds until the next time."""
        started = time.monotonic()
        self._read = gauges_of(self._engine)
        self._read_at = time.monotonic()
        pause = max(_GAUGES_SECONDS, _SHARE * (self._read_at - started))
        self._good_until = self._read_at + _MISSED_READS * pause
        return pause

    def answer(self, content_type: str) -> Answer:
        """Return the gauges that were read last; an error if they are too old."""
        if self._read is None:
            return Answer(503, "text/plain", "No gauges have been read from the database yet.\n")
        now = time.monotonic()
        age = now - self._read_at
        if now > self._good_until:
            return Answer(503, "text/plain", f"The database has not answered for {age:.0f} s.\n")
        if content_type == _JSON:
            return Answer(200, content_type, as_json(self._read, age=age))
        return Answer(200, content_type, as_prometheus(self._read))
