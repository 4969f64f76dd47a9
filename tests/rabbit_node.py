"""A RabbitMQ of our own, beside the machine's: it may be killed, and starts with its data."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import amqp
import pytest

from djtasks.testing.servers import tied_to_parent
from tests.installations import free_port
from tests.waiting import eventually

# Debian's /usr/sbin/rabbitmq-server insists on the user of the service.
PLACES = ("/usr/lib/rabbitmq/bin", "/usr/lib/rabbitmq/lib", "/opt/rabbitmq/sbin")


def program() -> str | None:
    """Return the path of the server's own script, past the wrapper of a distribution."""
    found = [one for place in PLACES for one in sorted(Path(place).rglob("sbin/rabbitmq-server"))]
    return str(found[0]) if found else shutil.which("rabbitmq-server")


@dataclass
class RabbitNode:
    """One node with ports, data and a name service of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    guard: Any = None
    names: Any = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        if self.names is None:
            self._make()
        command = ["env", *(f"{key}={value}" for key, value in self.environment.items())]
        self.guard = tied_to_parent([*command, str(program())], log=self.folder / "log")
        eventually(self._answers, seconds=120)

    def _make(self) -> None:
        names_port, distribution = free_port(), free_port()
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text("loopback_users.guest = true\n")
        (self.folder / "env").write_text("")
        self.environment = {
            "HOME": self.folder,
            "ERL_EPMD_PORT": names_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"djt{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": distribution,
            "RABBITMQ_MNESIA_BASE": self.folder / "data",
            "RABBITMQ_LOG_BASE": self.folder / "logs",
            "RABBITMQ_PID_FILE": self.folder / "pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "RABBITMQ_CONFIG_FILE": self.folder / "rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": self.folder / "env",
        }
        # Else the node would start one that outlives it.
        self.names = tied_to_parent(["epmd", "-port", str(names_port), "-address", "127.0.0.1"])

    def _answers(self) -> bool:
        assert self.guard.poll() is None, (self.folder / "log").read_text()[-3000:]
        with suppress(OSError, amqp.AMQPError), amqp.Connection(f"127.0.0.1:{self.port}"):
            return True
        return False

    def ctl(self, *arguments: str) -> None:
        """Run rabbitmqctl on this node."""
        environment = {key: str(value) for key, value in self.environment.items()}
        command = [str(Path(str(program())).with_name("rabbitmqctl")), *arguments]
        subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)

    def kill(self) -> None:
        """`kill -9` it; what it has confirmed is on its disk."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        self._let_go(self.guard)

    def stop(self) -> None:
        self._let_go(self.guard)
        self._let_go(self.names)

    @staticmethod
    def _let_go(guard: Any) -> None:
        if guard is not None:
            guard.stdin.close()
            guard.wait()


@contextmanager
def rabbit_node() -> Iterator[RabbitNode]:
    """Run one for a block; skip where RabbitMQ is not installed."""
    if program() is None or shutil.which("epmd") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs RabbitMQ's program, which is not installed")
        pytest.skip("rabbitmq-server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    node = RabbitNode(folder)
    try:
        node.start()
        yield node
    finally:
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)
