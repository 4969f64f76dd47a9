"""From a call to a committed row and its hint: the producer's side."""
