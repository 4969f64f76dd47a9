"""The looks and the sweep of workflows, on rows."""
