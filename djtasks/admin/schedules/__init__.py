"""Schedules: their list, their form, and what can be done to them."""
