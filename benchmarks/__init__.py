"""Measurements: see docs/explanation/performance.md."""
