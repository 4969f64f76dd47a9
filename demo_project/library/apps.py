"""The app, as it stands in INSTALLED_APPS."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """Reads folders of Python files."""

    name = "demo_project.library"
    verbose_name = "Code library"
    default_auto_field = "django.db.models.BigAutoField"
