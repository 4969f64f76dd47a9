"""Settings of the demo: a small site that runs on one machine, for one person.

DATABASE_URL, REDIS_URL and DEMO_* come from the launcher (`make demo`); without them
`python manage.py` uses an SQLite file in demo-data/ and no Redis.
"""

import os
from pathlib import Path
from typing import Any

from demo_project.database_url import parse_database_url, sqlite_database

BASE_DIR = Path(__file__).resolve().parent.parent

# A demo is for development: Django then serves the static files, and only to this machine.
DEBUG = os.environ.get("DEMO_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("DEMO_SECRET_KEY") or "only for a demo on your own machine"
# Echoed by one page, so that the launcher can tell its own web server from another one.
DEMO_TOKEN = os.environ.get("DEMO_TOKEN", "")

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
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo_project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _database() -> dict[str, Any]:
    if url := os.environ.get("DATABASE_URL"):
        return parse_database_url(url)
    folder = BASE_DIR / "demo-data"
    folder.mkdir(exist_ok=True)
    return sqlite_database(str(folder / "demo.sqlite3"))


DATABASES = {"default": _database()}

REDIS_URL = os.environ.get("REDIS_URL")
CACHES: dict[str, dict[str, str]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
if REDIS_URL:
    CACHES["tasks"] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}

BROKER = {"broker": "redis", "cache": "tasks"} if REDIS_URL else {"broker": "database"}
TASKS = {
    "default": {
        "BACKEND": "djtasks.backend.DjtasksBackend",
        # The `tasks` modules of apps are imported without being named.
        "OPTIONS": BROKER | {"imports": ["demo_project.library.rereading"]},
    }
}
