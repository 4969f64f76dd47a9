"""One module a contestant, run in an environment of its own.

Each has what benchmarks/peers/produce.py calls: `prepare()` once a database, `add_each(numbers)`
with one call a task, and where the contestant can: `add_many(numbers)` with its call for many,
`nap_each(numbers)` or `nap_many(numbers)`, and `stored()` with the results that it keeps.
"""
