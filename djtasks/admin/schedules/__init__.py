"""The admin of schedules: their list, their form and their actions."""
