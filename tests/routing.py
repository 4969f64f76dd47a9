"""A router that sends the tables of djtasks to one of the test databases."""

from typing import Any


class Home:
    """Keeps `djtasks` in database `alias` and leaves the rest where it is."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self.alias if model._meta.app_label == "djtasks" else None

    db_for_write = db_for_read
