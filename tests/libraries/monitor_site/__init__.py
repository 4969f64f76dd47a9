"""A site of django-tasks-monitor."""
