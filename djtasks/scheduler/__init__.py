"""The scheduler: stores declared schedules as rows and enqueues a record at each due time.

`sync` stores the schedules that the code declares, `planning` decides (without I/O), `templates`
builds records, `ticker` fires, `repair` corrects rows, and `scheduler` calls each of them in
turn. The package starts no thread. Any number of schedulers may run at once.
"""
