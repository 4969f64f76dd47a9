"""A site of django-overseer with a task of each kind."""
