"""Settings of the processes that chaos tests start; the test says where everything is."""

import json
import os

from tests.settings import CACHES, OURS, SECRET_KEY, USE_TZ

__all__ = ["CACHES", "SECRET_KEY", "USE_TZ"]

INSTALLED_APPS = ["django.contrib.contenttypes", "djtasks", "tests.chaos"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": json.loads(os.environ["CHAOS_DATABASE"])}
CACHES["tasks"]["LOCATION"] = os.environ["CHAOS_REDIS"]
TASKS = {
    "default": {
        "BACKEND": OURS,
        "QUEUES": ["default", "mail", "reports"],
        "OPTIONS": json.loads(os.environ["CHAOS_OPTIONS"]),
    }
}
