"""Settings that the sites share: SQLite, no broker, and a log of all that is not usual."""

import os
from pathlib import Path
from typing import Any

SITE = Path(os.environ["DJTASKS_LIBRARY_SITE"])
LOG = SITE / "warnings.log"
SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": SITE / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
}
STATIC_URL = "/static/"
MEDIA_ROOT = SITE / "media"
MEDIA_URL = "/media/"
DJANGO_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "djtasks.backend.DjtasksBackend",
        "QUEUES": ["default"],
        "OPTIONS": {"broker": "database"},
    }
}
# Of the site and of its workers.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "log": {
            "class": "logging.FileHandler",
            "filename": LOG,
            "level": "WARNING",
            "formatter": "line",
        }
    },
    "root": {"handlers": ["log"], "level": "WARNING"},
}
