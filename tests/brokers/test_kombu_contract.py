"""The kombu broker keeps the contract on RabbitMQ and on other transports."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from djtasks.brokers import Broker, kombu
from djtasks.testing import BrokerContract
from tests.brokers.rabbits import kombu_broker, queues_deleted, require_rabbitmq

QUEUES = ["default", "mail", "reports", "Mail", "mail:x", "{mail}", "mäil", "mail mail"]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pushed here must arrive whole; how long a producer waits is tested elsewhere."""
    monkeypatch.setattr(kombu, "PUSH_LIMIT", 60.0)
    monkeypatch.setattr(kombu, "POP_LIMIT", 60.0)


@pytest.mark.slow
class TestRabbitMQ(BrokerContract):
    @pytest.fixture
    def broker(self) -> Iterator[Broker]:
        url, namespace = require_rabbitmq(), f"test-{secrets.token_hex(8)}"
        with queues_deleted(url, namespace, QUEUES):
            yield kombu_broker(url, namespace)


class TestMemory(BrokerContract):
    @pytest.fixture
    def broker(self) -> Broker:
        return kombu_broker("memory://", secrets.token_hex(8))


@pytest.mark.slow
class TestFilesystem(BrokerContract):
    many = 100

    @pytest.fixture
    def broker(self, tmp_path: Path) -> Broker:
        folders = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out")}
        return kombu_broker(
            "filesystem://", "n", **folders, control_folder=str(tmp_path / "control")
        )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
class TestSQLAlchemy(BrokerContract):
    many = 50

    @pytest.fixture
    def broker(self) -> Iterator[Broker]:
        # In memory where possible: each hint is a commit, and each commit a wait for the disk.
        place = "/dev/shm" if Path("/dev/shm").is_dir() else None
        with TemporaryDirectory(dir=place) as folder:
            yield kombu_broker(f"sqla+sqlite:///{folder}/hints.sqlite3", "n")
