"""Statements of the stores: SQL for PostgreSQL, and the conversion of values to and from rows."""
