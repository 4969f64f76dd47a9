"""Bulk actions: a page that shows the effects first, then one that shows the progress."""
