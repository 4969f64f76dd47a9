"""The pure rules of the engine, and the values that travel between its parts. No Django.

`states` has the moves, `retry` and `outcomes` decide what follows an attempt, `recovery` what
follows a crash. `records` and `hints` are what store, broker and worker hand to each other.
"""
