"""How values are written down: JSON, ids, durations, tracebacks, histograms. No Django."""
