"""Options that the settings give to tasks by their paths: `OPTIONS["policies"]`.

They are for tasks whose code is not yours. `using()` wins over a policy, a policy over `@task`.
"""

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from djtasks.compat import InvalidTask
from djtasks.definitions import registry
from djtasks.definitions.exceptions import contradictions
from djtasks.definitions.options import require_queue, shape_option
from djtasks.definitions.restoring import blank, restore
from djtasks.definitions.task import Task
from djtasks.formats.durations import as_duration
from djtasks.protocol.retry import Backoff

logger = logging.getLogger("djtasks.definitions")

OPTIONS = (
    "queue_name", "priority", "max_attempts", "max_crashes", "backoff", "retry_on", "give_up_on",
    "cancel_on", "timeout", "expires", "unique", "store", "sensitive", "encrypted", "typed",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The options of the tasks whose path matches a pattern; `*` stands for any text.

    `problem`: why it does not fit; such a policy is not applied. `unknown`: its other keys, which
    are no options, or none that settings can give.
    """

    pattern: str
    options: Mapping[str, Any]
    problem: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, bool]:
        """The text before the first `*`: the longest applies, and a whole path before a pattern."""
        before, star, _rest = self.pattern.partition("*")
        return len(before), not star

    def matches(self, path: str) -> bool:
        parts = map(re.escape, self.pattern.split("*"))
        return re.fullmatch(".*".join(parts), path) is not None


class Policies:
    """The policies of one TASKS alias. Each definition gets its options once."""

    def __init__(
        self, given: Mapping[str, Mapping[str, Any]], *, alias: str, queues: Collection[str]
    ) -> None:
        self.all = [_policy(pattern, raw, alias, queues) for pattern, raw in given.items()]
        self._chosen: dict[str, Policy | None] = {}
        # By path: a definition, and the same with the options of its policy.
        self._made: dict[str, tuple[Task[..., Any], Task[..., Any]]] = {}

    def matching(self, path: str) -> list[Policy]:
        """Return the policies whose pattern matches a path, the one that applies first."""
        found = [policy for policy in self.all if policy.matches(path)]
        return sorted(found, key=lambda policy: policy.rank, reverse=True)

    def of(self, path: str) -> Policy | None:
        """Return the policy that applies to the task with this path, or None."""
        if path not in self._chosen:
            self._chosen[path] = self._choose(path)
        return self._chosen[path]

    def _choose(self, path: str) -> Policy | None:
        if path.startswith("djtasks."):
            return None  # a task of djtasks itself
        policy = next(iter(self.matching(path)), None)
        if policy is None or not policy.problem:
            return policy
        logger.error("Policy not applied path=%s: %s", path, policy.problem)
        return None

    def applied(self, task: Task[..., Any]) -> Task[..., Any]:
        """Return the task with the options of its policy, except those that `using()` has set."""
        path = task.module_path
        made = self._made.get(path)
        if made is not None and made[0] is task:
            return made[1]
        policy = self.of(path)
        if policy is None:
            return task
        # A task of another backend's class does not tell what `using()` has set.
        overridden = getattr(task, "overridden", ())
        changes = {name: v for name, v in policy.options.items() if name not in overridden}
        changed = restore(task, **changes)
        if registry.find(path) is task:
            self._made[path] = task, changed
        return changed

    def find(self, path: str) -> Task[..., Any] | None:
        """Return the task that the registry knows by this path, with its policy; None: unknown."""
        task = registry.find(path)
        return None if task is None else self.applied(task)


def _policy(pattern: str, raw: Mapping[str, Any], alias: str, queues: Collection[str]) -> Policy:
    unknown = tuple(str(name) for name in raw if name not in OPTIONS)
    owner = f"policy {pattern!r}"
    options: dict[str, Any] = {}
    try:
        for name, value in raw.items():
            if name in OPTIONS:
                given = _backoff(value) if name == "backoff" else value
                options[name] = shape_option(name, given, owner=owner)
        if "queue_name" in options:
            require_queue(options["queue_name"], alias, queues)
    except (InvalidTask, TypeError, ValueError) as error:
        return Policy(pattern=pattern, options={}, problem=str(error), unknown=unknown)
    return Policy(pattern=pattern, options=options, unknown=unknown)


def _backoff(value: Any) -> Any:
    """Return a Backoff of a dict of its fields, with delays in seconds or as timedeltas."""
    if not isinstance(value, Mapping):
        return value
    known = {one.name for one in fields(Backoff)}
    given: dict[str, Any] = {
        name: as_duration(one) if name.endswith("_delay") else one for name, one in value.items()
    }
    if not given.keys() <= known or None in given.values():
        raise ValueError(
            f"'backoff' must have keys among {', '.join(sorted(known))}, with delays in seconds or "
            f"as timedeltas, got {value!r}."
        )
    return Backoff(**given)


def contradictions_of(policy: Policy) -> list[str]:
    """Return a sentence for each rule for exceptions that contradicts itself."""
    return list(contradictions(restore(blank(_nobody), **policy.options)))


def _nobody() -> None:
    """Stand in for a task."""
