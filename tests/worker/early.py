"""A project that uses its database and its cache while Django loads, and its settings."""

import socket
from typing import Any

from django.apps import AppConfig
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection

from tests import settings as usual


class CacheWithAConnection(LocMemCache):
    """Opens a connection as a client of memcached does, and has nothing to close it by."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sockets = socket.socketpair()


class Early(AppConfig):
    name = "tests.worker.early"
    path = "/nowhere"

    def ready(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        cache.get("early")


locals().update({name: value for name, value in vars(usual).items() if name.isupper()})

INSTALLED_APPS = [*usual.INSTALLED_APPS, "tests.worker.early.Early"]
DATABASES = usual.DATABASES
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 2, "max_size": 8}
CACHES = usual.CACHES | {"default": {"BACKEND": "tests.worker.early.CacheWithAConnection"}}
