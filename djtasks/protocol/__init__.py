"""The pure rules of the engine, and the values that its parts exchange. No Django.

`states` lists the moves. `retry` and `outcomes` decide what follows an attempt, `recovery` what
follows a crash. Store, broker and worker exchange `records` and `hints`.
"""
