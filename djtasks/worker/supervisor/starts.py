"""When children may start: later and later while they die young, not at all if none can."""

import logging
import time

from django.conf import settings

logger = logging.getLogger("djtasks.worker")

_YOUNG_SECONDS = 5.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# One may be the victim of a moment, such as one without memory.
MOST_FAILED_STARTS = 5


class Starts:
    """Paces the starts of children, and counts those in a row that were never ready."""

    def __init__(self) -> None:
        self._failed = 0
        self._reasons: set[str] = set()
        self._not_before = 0.0
        self._pause = _FIRST_PAUSE

    @property
    def may_begin(self) -> bool:
        """Whether a child may start now."""
        return time.monotonic() >= self._not_before

    @property
    def may_begin_alone(self) -> bool:
        """Whether a process for a suspect may start now: it does not wait for crashes of others."""
        return not self._failed or self.may_begin

    @property
    def are_hopeless(self) -> bool:
        """Whether the worker should end."""
        return self._failed >= MOST_FAILED_STARTS

    def succeeded(self) -> None:
        """Note that a child is ready."""
        self._failed = 0

    def failed(self, exit_code: int | None = None) -> None:
        """Note that a child ended before it was ready, or could not even be launched (None)."""
        self._failed += 1
        self._slow_down()
        if self._failed == MOST_FAILED_STARTS:
            logger.critical(
                "%s child processes in a row ended before they were ready: this worker ends "
                "exit=%s. %s",
                self._failed,
                exit_code,
                _advice(),
            )

    def report(self, reason: str) -> None:
        """Log why a child cannot start, each reason once."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            logger.error("Child cannot start:\n%s", reason.rstrip())

    def pace(self, seconds: float, *, crashed: bool) -> None:
        """Let a successor start at once, unless a child crashed at this age."""
        if crashed and seconds < _YOUNG_SECONDS:
            self._slow_down()
        else:
            self._pause = _FIRST_PAUSE

    def _slow_down(self) -> None:
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


def _advice() -> str:
    """Return what to look at: most likely they are no forks of this process."""
    where = "If threads run in manage.py before the worker forks, and on systems other than Linux, "
    if getattr(settings, "SETTINGS_MODULE", None) is None:
        return where + (
            "child processes do not see what settings.configure() was given: put the settings "
            "into a module and name it in DJANGO_SETTINGS_MODULE, or run everything in this "
            "process with --processes 0."
        )
    return where + (
        "child processes do not run the main() of manage.py: what it sets up for your code "
        "belongs into the settings or an AppConfig.ready()."
    )
