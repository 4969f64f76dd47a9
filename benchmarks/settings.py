"""Settings of the benchmarks; benchmarks/harness.py says where the servers are."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

SECRET_KEY = "only for benchmarks"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "djtasks"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("BENCH_POSTGRES_HOST", os.environ["BENCH_POSTGRES"]),
        "PORT": os.environ.get("BENCH_POSTGRES_PORT", "5432"),
        "USER": "postgres",
        "NAME": "postgres",
    },
    "sqlite": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["BENCH_POSTGRES"] + ".sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    },
}
if os.environ.get("BENCH_MARIADB"):
    import pymysql

    pymysql.version_info = (2, 2, 8, "final", 0)
    pymysql.install_as_MySQLdb()
    _parts = urlsplit(os.environ["BENCH_MARIADB"])
    DATABASES["mariadb"] = {
        "ENGINE": "django.db.backends.mysql",
        "HOST": _parts.hostname,
        "PORT": str(_parts.port or 3306),
        "USER": _parts.username or "root",
        "PASSWORD": _parts.password or "",
        "NAME": _parts.path.strip("/"),
        "OPTIONS": {"charset": "utf8mb4"},
    }
# A process that is measured on another of them has it as its default.
DATABASES["default"] = DATABASES[os.environ.get("BENCH_DATABASE", "default")]
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["BENCH_REDIS"],
    }
}
if os.environ.get("BENCH_CACHE"):
    CACHES["default"] = json.loads(os.environ["BENCH_CACHE"])
_imports = os.environ.get("BENCH_TASKS", "benchmarks.tasks").split(",")
TASKS = {
    "default": {
        "BACKEND": "djtasks.backend.DjtasksBackend",
        "QUEUES": json.loads(os.environ.get("BENCH_QUEUES", '["default"]')),
        "OPTIONS": json.loads(os.environ.get("BENCH_OPTIONS", "null"))
        or {"cache": "default", "imports": _imports},
    },
    # For figures without Redis.
    "database": {
        "BACKEND": "djtasks.backend.DjtasksBackend",
        "OPTIONS": {"broker": "database", "imports": _imports},
    },
}
# No log line a task, unless a benchmark names the handler that takes them.
_level = os.environ.get("BENCH_TASK_LOG", "WARNING")
_handler = json.loads(os.environ.get("BENCH_HANDLER", '{"class": "logging.NullHandler"}'))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"asctime": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"tasks": _handler},
    "loggers": {
        name: {"level": _level, "handlers": ["tasks"], "propagate": False}
        for name in ("django.tasks", "django_tasks")
    },
}
