"""The roles of docs/guides/security.md, on a real PostgreSQL: enough for each, and no more."""

import re
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connections

from djtasks import chain, operations
from djtasks.doctor import examine
from djtasks.doctor.rights import READ, rights_of
from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import Schedule, TaskRecord, TaskStatistics, WorkerRecord
from djtasks.store import workers
from tests import tasks
from tests.pgbouncer import needs_a_session
from tests.scheduler.making import schedule
from tests.settings import WORKER

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "security.md"
# Roles belong to the server, which other processes of the run use too.
OWN = f"shop_{WORKER}_"
ROLES = ("web", "worker", "admin")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("servers")]


def run(statements):
    with connections["default"].cursor() as cursor:
        cursor.execute(statements)


@pytest.fixture
def as_role(live_engine):
    """Make the roles as the page has them, and do something as one of them."""
    grants, listing = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    with connections["default"].cursor() as cursor:
        cursor.execute(listing)
        tables = cursor.fetchone()[0]
    names = [f"{OWN}{role}" for role in ROLES]
    run("".join(f"DROP ROLE IF EXISTS {name};" for name in names))
    run(grants.replace("ALL_DJTASKS_TABLES", tables).replace("shop_", OWN))
    databases = connections.settings
    before = deepcopy(databases["default"])

    def act(role, work, *args, **kwargs):
        databases["default"].update(USER=f"{OWN}{role}")
        try:
            with ThreadPoolExecutor(1) as executor:
                return executor.submit(_closing, work, *args, **kwargs).result(60)
        finally:
            databases["default"].update(USER=before["USER"])

    yield act
    run("".join(f"DROP OWNED BY {name}; DROP ROLE {name};" for name in names))


def _closing(work, *args, **kwargs):
    try:
        return work(*args, **kwargs)
    finally:
        connections.close_all()


def refusals(role):
    return [f.text for f in examine("default", role=role) if f.part == "rights" and f.is_bad]


@pytest.mark.parametrize("role", ROLES)
def test_what_the_page_grants_is_what_the_doctor_asks_for(as_role, role):
    granted = {}
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
            "WHERE grantee = %s AND table_name LIKE 'djtasks%%'",
            [f"{OWN}{role}"],
        )
        for table, right in cursor.fetchall():
            granted.setdefault(table, set()).add(right)

    needed = {model._meta.db_table: set(rights) for model, rights in rights_of(role).items()}

    assert granted == needed
    assert as_role(role, refusals, role) == []


@needs_a_session
def test_a_right_that_is_missing_is_named(as_role):
    run(f"REVOKE DELETE ON djtasks_lease FROM {OWN}worker")

    (refusal,) = as_role("worker", refusals, "worker")

    assert "DELETE djtasks_lease" in refusal


@needs_a_session
def test_a_site_can_enqueue_cancel_and_wait_and_cannot_delete(as_role):
    result = as_role("web", tasks.add.enqueue, 1, 2)
    assert as_role("web", operations.cancel, engine_of("default"), [result.id]) == 1
    assert as_role("web", TaskRecord.objects.filter(pk=result.id).count) == 1

    with pytest.raises(ProgrammingError, match="permission denied"):
        as_role("web", TaskRecord.objects.all().delete)
    with pytest.raises(ProgrammingError, match="permission denied"):
        as_role("web", Schedule.objects.count)


@needs_a_session
def test_a_site_can_enqueue_cancel_and_retry_a_workflow(as_role):
    def use() -> bool:
        flow = chain(tasks.add.bind(1, 2), tasks.add.bind(3))
        return flow.pause() and flow.resume() and flow.cancel() and flow.retry() == 0

    assert as_role("web", use)


def test_a_worker_can_run_what_was_enqueued(as_role):
    tasks.add.enqueue(1, 2)
    engine = engine_of("default")

    def work():
        worker = new_id()
        workers.register(
            "default",
            workers.NewWorker(
                id=worker,
                supervisor=worker,
                backend="default",
                host="h",
                pid=1,
                version="1",
                queues=["default"],
                slots=1,
            ),
        )
        claims = engine.store.claim_due(engine.store.scan().lanes, worker=worker, limit=10)
        engine.store.give_back([(c.id, c.fence) for c in claims], worker=worker)
        return len(claims)

    assert as_role("worker", work) == 1
    assert WorkerRecord.objects.count() == 1


@needs_a_session
def test_an_admin_can_operate_and_cannot_pretend_to_be_a_worker(as_role):
    task = tasks.add.enqueue(1, 2)
    made = schedule()

    as_role("admin", call_command, "djtasks", "status", "--backend", "default")
    assert as_role("admin", operations.cancel, engine_of("default"), [task.id]) == 1
    as_role("admin", operations.discard, engine_of("default"), [task.id])
    as_role("admin", operations.pause_queue, engine_of("default"), "mail", by="me", reason="test")
    as_role("admin", operations.delete_schedule, engine_of("default"), made.pk)

    assert not TaskRecord.objects.exists()
    with pytest.raises(ProgrammingError, match="permission denied"):
        as_role("admin", WorkerRecord.objects.all().delete)
    with pytest.raises(ProgrammingError, match="permission denied"):
        as_role("admin", TaskStatistics.objects.all().delete)


def test_nobody_but_a_worker_writes_more_than_it_reads():
    for role in ("web", "admin"):
        assert all(rights >= READ for rights in rights_of(role).values())
    assert all(len(rights) == 4 for rights in rights_of("worker").values())
