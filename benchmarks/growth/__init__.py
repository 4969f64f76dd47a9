"""How speed changes with what grows: rows, queues, schedules, workers, slow tasks, dead rows."""
