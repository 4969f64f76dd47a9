"""Calls and values, as pieces that a page can colour."""
