"""The tables of workflows: the workflow, its nodes, and the edges between them.

Their tasks are rows of TaskRecord, which name their node. Nothing here counts them: what is left
to do is read from the rows.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.fields import DatabaseNow, ExactCharField, UniqueWhenSet, WhereIndex
from djtasks.protocol.workflows import NodeState, When, WorkflowState

_WORKFLOW_STATES = [
    (WorkflowState.RUNNING.value, _("Running")),
    (WorkflowState.SUCCESSFUL.value, _("Successful")),
    (WorkflowState.FAILED.value, _("Failed")),
    (WorkflowState.CANCELLED.value, _("Cancelled")),
]
_NODE_STATES = [
    (NodeState.PENDING.value, _("Pending")),
    (NodeState.OPEN.value, _("Open")),
    (NodeState.SUCCESSFUL.value, _("Successful")),
    (NodeState.FAILED.value, _("Failed")),
    (NodeState.SKIPPED.value, _("Skipped")),
]


class WorkflowRecord(models.Model):
    """One workflow: a graph of nodes that was enqueued as one thing.

    `unique_key` is `key` while it runs. While it is paused, none of its nodes opens and no task
    leaves its door. `cancel_requested` is carried out in pages. `target`, `parent`, `schedule` and
    `due_at` mean what they mean for tasks; `expires_at` is that of its tasks. `is_pruned`: it is
    being deleted, its tasks first and this row last.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backend = ExactCharField(max_length=64)
    name = ExactCharField(max_length=255)
    state = models.SmallIntegerField(
        choices=_WORKFLOW_STATES, db_default=int(WorkflowState.RUNNING)
    )
    is_paused = models.BooleanField(db_default=False)
    cancel_requested = models.BooleanField(db_default=False)
    is_pruned = models.BooleanField(db_default=False)
    target = ExactCharField(max_length=255, null=True)
    tags = models.JSONField(null=True)
    key = ExactCharField(max_length=512, null=True)
    unique_key = ExactCharField(max_length=512, null=True)
    parent = models.UUIDField(null=True)
    schedule = models.BigIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(db_default=DatabaseNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")
        default_permissions = ()
        permissions = (
            ("view_workflow", _("Can view workflows")),
            ("cancel_workflow", _("Can cancel workflows")),
            ("retry_workflow", _("Can retry workflows")),
            ("pause_workflow", _("Can pause and resume workflows")),
        )
        indexes = (
            models.Index(name="djtasks_flow_state", fields=("state", "id")),
            models.Index(name="djtasks_flow_name", fields=("name", "id")),
            WhereIndex(
                name="djtasks_flow_target",
                fields=("target", "id"),
                where=Q(target__isnull=False),
                elsewhere=("target", "id"),
            ),
        )
        constraints = (UniqueWhenSet(name="djtasks_flow_unique_key", fields=("unique_key",)),)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class WorkflowNode(models.Model):
    """One place in the graph: a task and its members, the records that name it.

    `number` counts the nodes of a workflow from 0; edges and `over` name nodes by it. `options` are
    the columns of its members that are not their own: queue, priority, max_attempts, max_crashes,
    timeout (seconds), target, tags, metadata. `size` is how many members were inserted; no member
    has a place below `cursor` and is live. `tolerate` is how many may fail, a number or a
    percentage as text ("5", "1%"). `may_fail`: the workflow does not fail with it. `after_all`: it
    comes after every node without this flag. `over`: the node whose result it makes its members
    from, each with `kwargs`. `because_of`: the node whose failure skipped it; NULL if it was
    skipped because it was not needed. `added_by`: the record that added it while the workflow ran.
    `error`: why it FAILED without a failed member, as an entry of TaskRecord.errors.
    """

    workflow = models.UUIDField()
    number = models.IntegerField()
    name = ExactCharField(max_length=255)
    task_path = ExactCharField(max_length=255)
    options = models.JSONField(default=dict)
    when = models.CharField(max_length=7, db_default=When.SUCCESS.value)
    tolerate = models.CharField(max_length=16, blank=True, db_default="")
    may_fail = models.BooleanField(db_default=False)
    after_all = models.BooleanField(db_default=False)
    is_map = models.BooleanField(db_default=False)
    over = models.IntegerField(null=True)
    kwargs = models.JSONField(null=True)
    inputs = models.JSONField(null=True)
    state = models.SmallIntegerField(choices=_NODE_STATES, db_default=int(NodeState.PENDING))
    size = models.IntegerField(db_default=0)
    cursor = models.IntegerField(db_default=0)
    because_of = models.IntegerField(null=True)
    added_by = models.UUIDField(null=True)
    opened_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.JSONField(null=True)

    class Meta:
        verbose_name = _("workflow node")
        verbose_name_plural = _("workflow nodes")
        default_permissions = ()
        indexes = (
            models.Index(name="djtasks_node_state", fields=("state", "id")),
            models.Index(name="djtasks_node_open", fields=("workflow", "state")),
        )
        constraints = (
            models.UniqueConstraint(name="djtasks_node_number", fields=("workflow", "number")),
            models.UniqueConstraint(name="djtasks_node_name", fields=("workflow", "name")),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.workflow}"


class WorkflowEdge(models.Model):
    """The node `after` comes after the node `before`; both are numbers in the workflow."""

    workflow = models.UUIDField()
    before = models.IntegerField()
    after = models.IntegerField()

    class Meta:
        verbose_name = _("workflow edge")
        verbose_name_plural = _("workflow edges")
        default_permissions = ()
        indexes = (models.Index(name="djtasks_edge_after", fields=("workflow", "after")),)
        constraints = (
            models.UniqueConstraint(name="djtasks_edge", fields=("workflow", "before", "after")),
        )

    def __str__(self) -> str:
        return f"{self.before} → {self.after} of {self.workflow}"
