"""Settings of every contestant that lives in Django; its own come from benchmarks/peers/lineup."""

import json
import os

SECRET_KEY = "only for benchmarks"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PEERS_POSTGRES"],
        "USER": "postgres",
        "NAME": os.environ["PEERS_DATABASE"],
        "CONN_MAX_AGE": None,
    }
}
# No log line a task, for nobody.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"null": {"class": "logging.NullHandler"}},
    "root": {"level": "WARNING", "handlers": ["null"]},
    "loggers": {
        name: {"level": "WARNING", "handlers": ["null"], "propagate": False}
        for name in ("django.tasks", "django_tasks", "django_tasks_db", "django_vtasks")
    },
}
_own = json.loads(os.environ["PEERS_DJANGO"])
INSTALLED_APPS += _own.pop("apps", [])
globals().update(_own)
