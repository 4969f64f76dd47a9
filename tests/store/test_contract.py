"""Each store keeps the contract, on every database it serves."""

import pytest

from djtasks.store import Store
from djtasks.store.portable import PortableStore
from djtasks.store.postgres import PostgresStore
from tests.conftest import require
from tests.store.contract import StoreContract

everywhere = pytest.mark.django_db(databases="__all__")


@pytest.mark.usefixtures("servers")
@everywhere
class TestPostgres(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return PostgresStore("default", "default")


@pytest.mark.usefixtures("servers")
@everywhere
class TestPortableOnPostgres(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return PortableStore("default", "default")


@everywhere
class TestPortableOnSqlite(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return PortableStore("sqlite", "default")


@pytest.mark.usefixtures("servers")
@everywhere
class TestPortableOnMariadb(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return PortableStore(require("mariadb"), "default")
