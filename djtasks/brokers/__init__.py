"""Brokers: the index of tasks that may run now. One broker per process and TASKS alias."""

import threading
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from djtasks.brokers.base import Broker, NamespaceGetter, Problem
from djtasks.options import Options

__all__ = ["Broker", "Problem", "forget_brokers", "open_broker"]

BrokerClass = Callable[[str, Options, NamespaceGetter], Broker]

_PATHS = {
    "redis": "djtasks.brokers.redis.RedisBroker",
    "kombu": "djtasks.brokers.kombu.KombuBroker",
    "memory": "djtasks.brokers.memory.MemoryBroker",
}
_open: dict[str, Broker] = {}
_lock = threading.Lock()


def open_broker(alias: str, options: Options, namespace: NamespaceGetter) -> Broker | None:
    """Return the broker of a TASKS alias, or None for `broker="database"`; it connects later.

    Django builds one backend per thread, so brokers and their connection pools live here.
    """
    if options.broker == "database":
        return None
    with _lock:
        if alias not in _open:
            _open[alias] = _broker_class(options.broker)(alias, options, namespace)
        return _open[alias]


def _broker_class(name: str) -> BrokerClass:
    path = _PATHS.get(name, name)
    try:
        found: BrokerClass = import_string(path)
    except ImportError as error:
        extra = " Install it with: pip install 'djtasks[kombu]'." if name == "kombu" else ""
        raise ImproperlyConfigured(
            f"OPTIONS['broker'] names {path!r}, which cannot be imported: {error}.{extra}"
        ) from error
    return found


def forget_brokers(*, setting: str = "TASKS", **_signal: object) -> None:
    """Forget all brokers after a settings change; they are built again when needed."""
    if setting in ("TASKS", "CACHES"):
        with _lock:
            _open.clear()


setting_changed.connect(forget_brokers)
