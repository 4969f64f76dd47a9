"""The code library: give it a folder, and each Python file in it becomes one task."""
