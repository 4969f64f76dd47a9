"""Settings of a small site of Wagtail."""

from tests.libraries.base import *  # noqa: F403
from tests.libraries.base import DJANGO_APPS, MIDDLEWARE, TASKS

INSTALLED_APPS = [
    "tests.libraries.wagtail_site",
    "wagtail.contrib.frontend_cache",
    "wagtail.contrib.redirects",
    "wagtail.contrib.search_promotions",
    "wagtail.documents",
    "wagtail.embeds",
    "wagtail.images",
    "wagtail.search",
    "wagtail.sites",
    "wagtail.snippets",
    "wagtail.users",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    *DJANGO_APPS,
    "djtasks",
]
MIDDLEWARE += ["wagtail.contrib.redirects.middleware.RedirectMiddleware"]
ROOT_URLCONF = "tests.libraries.wagtail_site.urls"
# A page inherits from a model with migrations, so it needs some too.
MIGRATION_MODULES = {"wagtail_site": "made_migrations"}
WAGTAIL_SITE_NAME = "Small"
WAGTAILADMIN_BASE_URL = "http://localhost"
WAGTAILFRONTENDCACHE = {"none": {"BACKEND": "tests.libraries.wagtail_site.purging.NoCache"}}
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
# As docs/guides/compatibility.md recommends. Here, retries do not wait.
_GONE = {"cancel_on": "django.core.exceptions.ObjectDoesNotExist"}
_AT_ONCE = {"first_delay": 0, "longest_delay": 0}
TASKS["default"]["OPTIONS"]["policies"] = {
    "wagtail.*": _GONE,
    "modelsearch.*": {**_GONE, "max_attempts": 5, "backoff": _AT_ONCE},
}
