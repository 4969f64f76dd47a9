"""The parts behind one TASKS alias, built from the settings once per process."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from djtasks.brokers import Broker, open_broker
from djtasks.compat import DEFAULT_TASK_QUEUE_NAME, BaseTaskBackend, InvalidTaskBackend
from djtasks.definitions import registry
from djtasks.definitions.options import require_queue
from djtasks.definitions.policies import Policies
from djtasks.definitions.task import Task
from djtasks.enqueueing.outbox import Outbox
from djtasks.errors import InvalidOption
from djtasks.formats.encryption import Cipher, new_key
from djtasks.options import Options, parse_options
from djtasks.store import Store, open_store, queue_database

BACKEND_PATH = "djtasks.backend.DjtasksBackend"


@dataclass(frozen=True)
class Engine:
    """Options, store, broker and outbox of one TASKS alias. Connects when first used."""

    alias: str
    queues: tuple[str, ...]
    options: Options

    @cached_property
    def database(self) -> str:
        """The DATABASES alias that holds the records."""
        return queue_database()

    @cached_property
    def namespace(self) -> str:
        """The prefix that separates this installation's hints; queries the database once."""
        if self.options.namespace is not None:
            return self.options.namespace
        from djtasks.models import Namespace

        return Namespace.obtain(self.database, secrets.token_hex(8))

    @cached_property
    def channel(self) -> str:
        """The PostgreSQL channel for NOTIFY, short enough for an identifier."""
        identity = f"{self.namespace}:{self.alias}".encode()
        return f"djtasks_{hashlib.sha256(identity).hexdigest()[:32]}"

    @cached_property
    def store(self) -> Store:
        """The records."""
        return open_store(self.alias)

    @cached_property
    def policies(self) -> Policies:
        """The options that the settings give to tasks by their paths."""
        return Policies(self.options.policies, alias=self.alias, queues=self.queues)

    @cached_property
    def find(self) -> Callable[[str], Task[..., Any] | None]:
        """The function that returns a registered task by its path, with its policy."""
        return self.policies.find if self.options.policies else registry.find

    def with_policy(self, task: Task[..., Any]) -> Task[..., Any]:
        """Return a task with the options of its policy, except those that `using()` has set."""
        return self.policies.applied(task) if self.options.policies else task

    @cached_property
    def cipher(self) -> Cipher:
        """The keys for encrypted arguments.

        A backend that stores nothing needs none in the settings: this process makes one.
        """
        keys = self.options.encryption_keys
        if not keys and self.alias not in our_aliases():
            keys = (new_key(),)
        return Cipher(keys)

    def now(self) -> datetime:
        """Return the current time of the database's clock."""
        return self.store.now()

    @cached_property
    def broker(self) -> Broker | None:
        """The broker, or None for `broker="database"`."""
        return open_broker(self.alias, self.options, lambda: self.namespace)

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox, which pushes hints to the broker."""
        return Outbox(self.database, self.broker, lambda: self.channel)


def accepted(
    backend: BaseTaskBackend, task: Any, validate: Callable[[Any], None]
) -> Task[..., Any]:
    """Validate and register a task for a backend, real or of `testing`; return it as one of ours.

    `validate` is that of Django. It sees the queue that a policy gives to the task.
    """
    is_open = not backend.queues or task.queue_name in backend.queues
    checked = task if is_open else _moved(backend.alias, task)
    require_queue(checked.queue_name, backend.alias, backend.queues)
    validate(checked)
    return registry.adopt(task)


def _moved(alias: str, task: Any) -> Any:
    """Return the task with its policy, which may give it another queue."""
    try:
        return engine_of(alias).with_policy(task)
    except InvalidOption:
        return task  # it is reported where tasks are enqueued


_engines: dict[str, Engine] = {}
_lock = threading.RLock()


def engine_of(alias: str) -> Engine:
    """Return the engine of a TASKS alias.

    Raises InvalidTaskBackend when there is no such alias, InvalidOption for a bad option.
    """
    found = _engines.get(alias)
    if found is None:
        with _lock:
            found = _engines.setdefault(alias, _build(alias))
    return found


def our_aliases() -> list[str]:
    """Return the TASKS aliases served by djtasks, in the order of the settings.

    Their BACKEND is DjtasksBackend or a subclass of it.
    """
    configured: dict[str, Any] = getattr(settings, "TASKS", None) or {}
    return [a for a, given in configured.items() if _is_ours(str(given.get("BACKEND")))]


@lru_cache
def _is_ours(path: str) -> bool:
    """Return whether this is the path of our backend or of a project's subclass of it."""
    if path == BACKEND_PATH:
        return True
    try:
        found, ours = import_string(path), import_string(BACKEND_PATH)
    except Exception:  # noqa: BLE001 - Django says what is wrong with it where it is used
        return False
    return isinstance(found, type) and issubclass(found, ours)


def _build(alias: str) -> Engine:
    configured: dict[str, Any] = getattr(settings, "TASKS", None) or {}
    if alias not in configured:
        raise InvalidTaskBackend(
            f"TASKS has no alias {alias!r}. It has: {', '.join(configured) or 'no entries'}."
        )
    given = configured[alias]
    return Engine(
        alias=alias,
        queues=tuple(given.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME])),
        options=parse_options(given.get("OPTIONS", {})),
    )


def forget_engines(*, setting: str = "TASKS", **_signal: object) -> None:
    """Discard all engines after a change of settings, so that they are built again."""
    if setting in ("TASKS", "CACHES", "DATABASES", "DATABASE_ROUTERS"):
        with _lock:
            _engines.clear()


setting_changed.connect(forget_engines)
