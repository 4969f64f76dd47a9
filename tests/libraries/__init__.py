"""Libraries that enqueue tasks through Django's API, used on djtasks: `make libraries`."""
