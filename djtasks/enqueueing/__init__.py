"""The producer's side: turn a call into a committed row and a hint for the broker."""
