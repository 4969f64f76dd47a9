"""Calls and values in pieces that a page can colour."""
