"""The pages about workflows."""
