"""The process that runs tasks: it fetches, settles and announces. `child` assembles it."""
