"""Bulk actions: one action on all tasks that match, which a task carries out in chunks."""
