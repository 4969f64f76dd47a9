"""Queues: their page, and what can be done to them."""
