"""The admin of tasks: list, task page, actions, failures, exports and new tasks."""
