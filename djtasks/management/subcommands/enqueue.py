"""`djtasks enqueue PATH [JSON]`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks.compat import InvalidTask
from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.engine import engine_of, our_aliases
from djtasks.errors import InvalidArguments, UnknownTask
from djtasks.formats.json_values import MAX_DEPTH
from djtasks.management.terminal import Terminal

HELP = "enqueue a task by its dotted path"
EXAMPLES = (
    "shop.tasks.send_invoice '[17]'",
    'shop.tasks.send_invoice \'{"order": 17, "copy": true}\'',
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="PATH", help="the path of the task, such as shop.tasks.send_invoice"
    )
    parser.add_argument(
        "arguments", nargs="?", default="[]", metavar="JSON",
        help="a list of positional arguments or an object of keyword arguments (default: none)",
    )  # fmt: skip


def handle(options: dict[str, Any], out: Terminal) -> None:
    for alias in our_aliases():
        registry.import_tasks(engine_of(alias).options.imports)
    try:
        task = _task(options["path"])
        arguments = json.loads(options["arguments"])
        if isinstance(arguments, dict):
            result = task.enqueue(**arguments)
        elif isinstance(arguments, list):
            result = task.enqueue(*arguments)
        else:
            raise CommandError("The arguments must be a JSON list or object.")
    except json.JSONDecodeError as error:
        raise CommandError(f"The arguments are not JSON: {error}") from error
    except RecursionError:
        raise CommandError(
            f"The arguments are nested too deeply. The maximum is {MAX_DEPTH} levels."
        ) from None
    except UnknownTask as error:
        listed = (task for task in registry.all_tasks() if not registry.is_internal(task))
        known = "\n  ".join(task.module_path for task in listed)
        raise CommandError(f"{error}\nKnown tasks:\n  {known or '(none)'}") from error
    except (InvalidArguments, InvalidTask) as error:
        raise CommandError(str(error)) from error
    out.write(result.id)


def _task(path: str) -> Task[..., Any]:
    """Return a task of the project; raise UnknownTask for those of djtasks itself, too."""
    task = registry.get(path)
    if registry.is_internal(task):
        raise UnknownTask(f"{path!r} is a task of djtasks itself, which nobody enqueues by hand.")
    return task
