"""A front-end cache that has nothing to purge; Wagtail's own takes no settings."""

from wagtail.contrib.frontend_cache.backends import BaseBackend


class NoCache(BaseBackend):
    """Accept every URL."""

    def purge(self, url: str) -> None:
        """Do nothing."""
