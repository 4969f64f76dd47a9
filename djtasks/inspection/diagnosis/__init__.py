"""What is wrong, and why a task does not run: facts, pure conditions, and their words."""
