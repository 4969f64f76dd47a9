"""Find what is wrong, and why a task is not running: facts, pure conditions, and words."""
