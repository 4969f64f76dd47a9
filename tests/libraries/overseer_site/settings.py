"""Settings of a site with django-overseer."""

from tests.libraries.base import *  # noqa: F403
from tests.libraries.base import DJANGO_APPS

INSTALLED_APPS = ["tests.libraries.overseer_site", "overseer", *DJANGO_APPS, "djtasks"]
ROOT_URLCONF = "tests.libraries.overseer_site.urls"
