"""Settings of a site with django-tasks-monitor."""

from tests.libraries.base import *  # noqa: F403
from tests.libraries.base import DJANGO_APPS

INSTALLED_APPS = ["tests.libraries.monitor_site", "tasks_monitor", *DJANGO_APPS, "djtasks"]
ROOT_URLCONF = "tests.libraries.monitor_site.urls"
