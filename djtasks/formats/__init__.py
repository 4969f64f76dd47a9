"""Formats of values: JSON, ids, durations, tracebacks, histograms. No Django."""
