"""The backends of djtasks.testing in the place of Django's two."""

from djtasks.testing.backends import DummyBackend, ImmediateBackend

__all__ = ["DummyBackend", "ImmediateBackend"]
