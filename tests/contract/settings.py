"""Settings for Django's tests of its tasks API."""

import os

SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["djtasks"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if os.environ["DJTASKS_SUITE_MODE"] == "testing":
    TASKS = {"default": {"BACKEND": "djtasks.testing.ImmediateBackend", "QUEUES": []}}
# Otherwise Django's own backend defines the tasks, and each test moves them to ours.
# Their tasks stand in no app, of which our backend warns.
LOGGING = {"version": 1, "loggers": {"djtasks.backend": {"level": "ERROR"}}}
