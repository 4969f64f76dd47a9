"""The code of a project before a deploy."""
