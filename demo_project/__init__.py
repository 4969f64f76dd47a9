"""The demo: a code library whose files are read by background tasks."""
