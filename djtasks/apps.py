"""The app, as it stands in INSTALLED_APPS."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjtasksConfig(AppConfig):
    """Registers the checks, and the signals of Django's tasks API where only an app does."""

    name = "djtasks"
    verbose_name = _("Background tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from djtasks import checks, compat, signals

        compat.register_checks()
        assert checks
        assert signals
