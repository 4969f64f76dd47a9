"""Background duties of a TASKS alias, each with a `tick()`.

The holder of the coordinator's lease runs them, for efficiency. Several at once are harmless,
since each duty is idempotent or a compare-and-set.
"""
