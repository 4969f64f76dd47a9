"""Log lines of a worker, where the project has set up nothing for them."""

import logging
import sys

from django.conf import settings

from djtasks.compat import LOGGER_NAME

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def set_up_logging(*, verbose: bool) -> None:
    """Print what workers log, and failures of tasks, to stderr unless LOGGING handles them.

    `verbose`: one line a task as well.
    """
    logger = logging.getLogger("djtasks")
    if not logger.hasHandlers():
        logger.addHandler(_to_stderr())
    if verbose and logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    if not verbose:
        logging.getLogger("djtasks.tasks").setLevel(logging.WARNING)
    django_logger = logging.getLogger(LOGGER_NAME)
    # Without DEBUG, Django's own default prints nothing to a console: a failure would be mailed
    # to ADMINS at best, and lines below WARNING are made for nobody (19 µs a task).
    if not django_logger.hasHandlers() or not (settings.LOGGING or settings.DEBUG):
        django_logger.addHandler(_to_stderr())
        django_logger.setLevel(logging.WARNING)


def _to_stderr() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler
