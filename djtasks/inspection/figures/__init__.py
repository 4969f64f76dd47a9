"""Figures over time, from the statistics: for charts, queues, tasks and monitoring."""
