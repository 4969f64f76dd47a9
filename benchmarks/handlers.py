"""Handlers of logs, for a worker that is measured with them."""

import logging


class OneByOne(logging.FileHandler):
    """A handler that djtasks does not know, and so gives each record by itself."""
