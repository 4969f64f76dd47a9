class Library
    """A place for books."""

    shelves = 12
