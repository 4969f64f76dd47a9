"""The AppConfig of djtasks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjtasksConfig(AppConfig):
    """Register the system checks and import the signals when Django starts."""

    name = "djtasks"
    verbose_name = _("Background tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from djtasks import checks, compat, signals

        compat.register_checks()
        assert checks
        assert signals
