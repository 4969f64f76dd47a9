"""Charts as values: computed from numbers, drawn by templates, without JavaScript."""
