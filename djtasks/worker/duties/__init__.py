"""Background chores of a TASKS alias: each a small file with a `tick()`.

One holder of the coordinator's lease does them, for efficiency; several at once are harmless,
since each duty is idempotent or a compare-and-set.
"""
