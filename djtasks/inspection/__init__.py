"""Read what is going on, as facts for the admin, the CLI and code; never write."""

from djtasks.inspection.attempts import Attempt
from djtasks.inspection.bulk import BulkFacts, bulk_action, bulk_actions
from djtasks.inspection.diagnosis.alerts import alerts_of
from djtasks.inspection.diagnosis.facts import QueueFacts, QueuePause, WorkerFacts
from djtasks.inspection.diagnosis.findings import Finding, Level
from djtasks.inspection.diagnosis.reasons import Reason, why_not_running
from djtasks.inspection.diagnosis.why import facts_for_why, why_facts_of
from djtasks.inspection.diagnosis.why_facts import WhyFacts
from djtasks.inspection.display.calls import Piece
from djtasks.inspection.display.pretty import Pretty, pretty
from djtasks.inspection.failures import (
    FAILURE_ORDERS,
    MOST_GROUPS,
    FailureFacts,
    FailurePage,
    failure_group,
    failure_page,
    failures,
)
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT
from djtasks.inspection.figures.figures import (
    Backlog,
    Point,
    QueueFigures,
    TaskFigures,
    queue_figures,
    series_in,
    task_figures,
)
from djtasks.inspection.figures.gauges import Gauges, QueueGauges, gauges_of
from djtasks.inspection.figures.ranges import CHART_RANGES, DEFAULT_CHART_RANGE, ChartRange
from djtasks.inspection.live import LiveCounts, live_counts
from djtasks.inspection.overview import Deploy, Overview, deploys_of, overview
from djtasks.inspection.queue_position import Ahead
from djtasks.inspection.schedules import (
    Run,
    ScheduleFacts,
    SchedulerFacts,
    histories_of,
    history_of,
    next_runs,
    schedule_facts,
    scheduler_of,
    schedules_of,
)
from djtasks.inspection.status import (
    Status,
    fetches,
    is_idle,
    queues_of,
    state_counts,
    status_of,
    workers_of,
)
from djtasks.inspection.tasks import Related, TaskFacts, phase_of, task_facts, task_facts_of
from djtasks.inspection.timeline import Stretch
from djtasks.inspection.workflows.counts import NodeCounts
from djtasks.inspection.workflows.facts import NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.failures import WorkflowFailure, failures_in
from djtasks.inspection.workflows.listing import PHASES as WORKFLOW_PHASES
from djtasks.inspection.workflows.listing import (
    ListedWorkflow,
    WorkflowPage,
    has_workflows,
    phase_counts,
    workflow_page,
)
from djtasks.inspection.workflows.reading import facts_seen, workflow_facts, workflow_facts_of

__all__ = [
    "CHART_RANGES",
    "COUNT_LIMIT",
    "DEFAULT_CHART_RANGE",
    "FAILURE_ORDERS",
    "MOST_GROUPS",
    "WORKFLOW_PHASES",
    "Ahead",
    "Attempt",
    "Backlog",
    "BulkFacts",
    "ChartRange",
    "Deploy",
    "FailureFacts",
    "FailurePage",
    "Finding",
    "Gauges",
    "Level",
    "ListedWorkflow",
    "LiveCounts",
    "NodeCounts",
    "NodeFacts",
    "Overview",
    "Piece",
    "Point",
    "Pretty",
    "QueueFacts",
    "QueueFigures",
    "QueueGauges",
    "QueuePause",
    "Reason",
    "Related",
    "Run",
    "ScheduleFacts",
    "SchedulerFacts",
    "Status",
    "Stretch",
    "TaskFacts",
    "TaskFigures",
    "WhyFacts",
    "WorkerFacts",
    "WorkflowFacts",
    "WorkflowFailure",
    "WorkflowPage",
    "alerts_of",
    "bulk_action",
    "bulk_actions",
    "deploys_of",
    "facts_for_why",
    "facts_seen",
    "failure_group",
    "failure_page",
    "failures",
    "failures_in",
    "fetches",
    "gauges_of",
    "has_workflows",
    "histories_of",
    "history_of",
    "is_idle",
    "live_counts",
    "next_runs",
    "overview",
    "phase_counts",
    "phase_of",
    "pretty",
    "queue_figures",
    "queues_of",
    "schedule_facts",
    "scheduler_of",
    "schedules_of",
    "series_in",
    "state_counts",
    "status_of",
    "task_facts",
    "task_facts_of",
    "task_figures",
    "why_facts_of",
    "why_not_running",
    "workers_of",
    "workflow_facts",
    "workflow_facts_of",
    "workflow_page",
]
