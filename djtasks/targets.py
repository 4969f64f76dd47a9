"""The object that a task is about, as text: `shop.order:7`."""

from typing import Any

from djtasks.compat import InvalidTask

_LONGEST = 255


def target_of(instance: Any) -> str:
    """Return how records name a model instance; raises InvalidTask for what is none, or unsaved.

    A text is taken as it is: it came from here.
    """
    if isinstance(instance, str):
        return instance
    meta = getattr(instance, "_meta", None)
    if meta is None or getattr(instance, "pk", None) is None:
        raise InvalidTask(f"'target' must be a saved model instance, got {instance!r}.")
    label = meta.concrete_model._meta.label_lower  # noqa: SLF001 - Django's documented Meta API
    target = f"{label}:{instance.pk}"
    if len(target) > _LONGEST:
        raise InvalidTask(
            f"'target' must have a key that fits {_LONGEST} characters with its label, got "
            f"{target[:100]!r} ({len(target)} characters)."
        )
    return target
