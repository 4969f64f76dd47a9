"""The scheduler: declarations to rows, and due rows to records. It has no thread of its own.

`planning` decides and is pure, `recipes` make records, `ticker` fires, `auditor` repairs,
`declared` brings the code's schedules into the table, and `scheduler` says when to do which.
Any number may run at once.
"""
