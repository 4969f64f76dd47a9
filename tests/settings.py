"""Settings of the test project; tests/servers.py says where the servers are.

Subprocesses of a test run with the same settings and find the test's databases by
DJTASKS_TEST_NAME_<ALIAS>.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEBUG = False
SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "Europe/Athens"
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "djtasks",
    "demo_project.library",
    "tests",
    "tests.shop",
]
MIDDLEWARE = [
    "tests.policy.strict_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent.parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"

FOLDER = os.environ.get("DJTASKS_TEST_FOLDER", "/tmp")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def _name(alias: str, default: str) -> str:
    return os.environ.get(f"DJTASKS_TEST_NAME_{alias.upper()}", default)


def sqlite(alias: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _name(alias, f"{FOLDER}/{alias}.sqlite3"),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
        "TEST": {"NAME": f"{FOLDER}/test-{alias}.sqlite3"},
    }


def postgresql(alias: str) -> dict[str, Any]:
    pooler = os.environ.get("DJTASKS_TEST_POOLER", "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": pooler or os.environ.get("DJTASKS_TEST_POSTGRES", ""),
        "PORT": "6432" if pooler else "5432",
        "USER": "postgres",
        "NAME": _name(alias, "djtasks"),
        # As Django's documentation asks for before a pooler in transaction mode.
        "DISABLE_SERVER_SIDE_CURSORS": bool(pooler),
    }


def mariadb(alias: str) -> dict[str, Any]:
    parts = urlsplit(os.environ["DJTASKS_TEST_MARIADB"])
    return {
        "ENGINE": "tests.mariadb_by_pymysql",
        "HOST": parts.hostname,
        "PORT": str(parts.port or 3306),
        "USER": parts.username or "root",
        "PASSWORD": parts.password or "",
        # There on every server: the checks of Django 6.1 connect also where no test needs this.
        "NAME": _name(alias, "information_schema"),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"NAME": f"test_djtasks_{os.getppid()}", "CHARSET": "utf8mb4"},
    }


# See tests/quick.py.
QUICK = bool(os.environ.get("DJTASKS_TEST_QUICK"))
DATABASES = {
    "default": sqlite("default") if QUICK else postgresql("default"),
    "sqlite": sqlite("sqlite"),
}
if os.environ.get("DJTASKS_TEST_MARIADB"):
    DATABASES["mariadb"] = mariadb("mariadb")
# A subprocess of a test may take another of them as its default.
DATABASES["default"] = DATABASES[os.environ.get("DJTASKS_TEST_DEFAULT", "default")]

# One Redis database a process of the run, so that they do not see each other's hints.
_number = int(WORKER.removeprefix("gw")) + 1
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "tasks": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ.get("DJTASKS_TEST_REDIS")
        or f"{os.environ.get('DJTASKS_TEST_VALKEY', 'unix:///nowhere')}?db={_number}",
    },
}

# Nothing of worth is encrypted with it.
ENCRYPTION_KEYS = ["c2VjcmV0LW9ubHktZm9yLXRlc3RzLTMyLWJ5dGVzLiE="]
BROKER: dict[str, Any] = {
    "redis": {"broker": "redis", "cache": "tasks"},
    "database": {"broker": "database"},
    "memory": {"broker": "memory"},
}[os.environ.get("DJTASKS_TEST_BROKER", "memory" if QUICK else "redis")]
OURS = "djtasks.backend.DjtasksBackend"
TASKS = {
    "default": {
        "BACKEND": OURS,
        "QUEUES": ["default", "mail", "reports"],
        "OPTIONS": {
            **BROKER,
            "heartbeat": float(os.environ.get("DJTASKS_TEST_HEARTBEAT", "5")),
            "encryption_keys": ENCRYPTION_KEYS,
        },
    },
    "anything": {"BACKEND": OURS, "QUEUES": [], "OPTIONS": {"broker": "memory"}},
    "polled": {"BACKEND": OURS, "OPTIONS": {"broker": "database"}},
}
