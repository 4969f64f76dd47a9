"""Workflows: how far they are, what holds them, and when they end."""
