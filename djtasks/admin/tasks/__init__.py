"""Tasks: their list, the page of one, its buttons, failures, exports and new ones."""
