"""The app that worker processes of the chaos tests run with."""

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Breaks what CHAOS_FAULTS asks for."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from tests.chaos import faults

        faults.install()
