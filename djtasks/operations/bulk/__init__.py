"""One action on everything that matches: asked for in a moment, done by a task in chunks."""
