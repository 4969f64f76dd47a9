"""The table rights that each role of an installation needs, and no more.

docs/guides/security.md has the same rights as GRANT statements; a test compares the two.
"""

from django.apps import apps
from django.db.models import Model

READ = frozenset({"SELECT"})
WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_ASK = READ | {"INSERT"}
_CHANGE = READ | {"UPDATE"}

# Sites that enqueue, cancel, wait and read results.
_WEB = {
    "TaskRecord": _ASK | {"UPDATE"},
    "WorkflowRecord": _ASK | {"UPDATE"},
    "WorkflowNode": _ASK | {"UPDATE"},
    "WorkflowEdge": _ASK,
    "Namespace": READ,
}
# Sites with the admin's pages, and `manage.py djtasks`.
_ADMIN = {
    "TaskRecord": WRITE,
    "WorkflowRecord": WRITE,
    "WorkflowNode": WRITE,
    "WorkflowEdge": WRITE,
    "BulkAction": _ASK | {"UPDATE"},
    "QueueControl": WRITE,
    "Schedule": WRITE,
    "WorkerRecord": _CHANGE,
    "FailureGroup": _CHANGE,
}


def roles() -> tuple[str, ...]:
    """Return the names of the roles; a worker needs all rights."""
    return ("worker", "web", "admin")


def rights_of(role: str) -> dict[type[Model], frozenset[str]]:
    """Return the rights that a role needs on the tables it uses."""
    models = {model.__name__: model for model in apps.get_app_config("djtasks").get_models()}
    if role == "worker":
        return dict.fromkeys(models.values(), WRITE)
    if role == "web":
        return {models[name]: rights for name, rights in _WEB.items()}
    return {model: _ADMIN.get(name, READ) for name, model in models.items()}
