"""The code of the same project after it."""
