"""`manage.py djtasks_worker`: `runworker` under a name that no other app takes."""

from djtasks.management.commands.runworker import Command as Command
