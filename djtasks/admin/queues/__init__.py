"""The admin of queues: their page and their actions."""
