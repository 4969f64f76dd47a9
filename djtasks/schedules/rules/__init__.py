"""When schedules fire, in arithmetic: no Django, and the clock is always an argument."""
