"""The project of workers of two versions of djtasks."""
