"""What PostgreSQL reads in the middle of a run, full of dead entries, by the engine's sessions."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from djtasks.formats.ids import new_id
from djtasks.protocol.records import Claim, Settlement
from djtasks.protocol.states import State
from djtasks.store.postgres import PostgresStore
from djtasks.store.sessions import use_engine_connection
from djtasks.store.statements import sql, values
from tests.pgbouncer import needs_a_session
from tests.store.connections import elsewhere
from tests.store.contract.records import new_record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("servers")]

WORKER = new_id()
RECORDS = 6_000
BATCH = 300


@pytest.fixture(params=["never", "when it was empty", "in the middle"])
def claims(request: pytest.FixtureRequest) -> Iterator[list[Claim]]:
    """The batch that runs while half of the records are done, with statistics of that age."""
    run("ALTER TABLE djtasks_taskrecord SET (autovacuum_enabled = false)")
    if request.param == "when it was empty":
        run("ANALYZE djtasks_taskrecord")
    running = half_of_a_run(PostgresStore("default", "default"))
    if request.param == "in the middle":
        run("ANALYZE djtasks_taskrecord")
    yield running
    run("ALTER TABLE djtasks_taskrecord RESET (autovacuum_enabled)")


def half_of_a_run(store: PostgresStore) -> list[Claim]:
    ids = [a.id for a in store.insert_many([new_record(store) for _ in range(RECORDS)])]
    for start in range(0, RECORDS // 2, BATCH):
        running = store.claim(ids[start : start + BATCH], worker=WORKER, queues=None)
        store.settle([success(claim) for claim in running], worker=WORKER)
    return store.claim(ids[RECORDS // 2 :][:BATCH], worker=WORKER, queues=None)


def success(claim: Claim) -> Settlement:
    return Settlement(id=claim.id, fence=claim.fence, state=State.SUCCESSFUL)


def run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def scans_of(statement: str, parameters: Any) -> list[str]:
    """Return the lines of the plan that read tables or indexes, as the engine would run it."""

    def explain() -> list[str]:
        use_engine_connection("default")
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            return [line for (line,) in cursor.fetchall()]

    return [line for line in elsewhere(explain).result(30) if "Scan" in line]


def generic_scans_of(statement: str, parameters: Any) -> list[str]:
    """Return the same of the plan that a session keeps once it has prepared the statement."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)", statement)))
    numbered = re.sub(r"%\((\w+)\)[sb]", lambda m: f"${names.index(m[1]) + 1}", statement)

    def explain() -> list[str]:
        use_engine_connection("default")
        connection.ensure_connection()
        with psycopg.ClientCursor(connection.connection) as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE kept AS {numbered}")
            places = ", ".join(["%s"] * len(names))
            arguments = [parameters[name] for name in names]
            cursor.execute(f"EXPLAIN EXECUTE kept({places})", arguments)
            return [line for (line,) in cursor.fetchall()]

    return [line for line in elsewhere(explain).result(30) if "Scan" in line]


def wanted(ids: list[UUID]) -> dict[str, Any]:
    return {"ids": ids, "worker": WORKER, "backend": "default", "queues": ["default"]}


@pytest.mark.parametrize("scans", [scans_of, pytest.param(generic_scans_of, marks=needs_a_session)])
@pytest.mark.parametrize("size", [1, 10, BATCH])
def test_every_move_of_a_record_finds_it_by_primary_key(
    claims: list[Claim], size: int, scans: Callable[..., list[str]]
) -> None:
    batch = claims[:size]
    owned = values.owned_columns([(claim.id, claim.fence) for claim in batch], WORKER)
    verdicts = [success(claim) for claim in batch]
    statements = {
        "claim": (sql.CLAIM, wanted([claim.id for claim in batch])),
        "claim in queues": (sql.CLAIM_IN_QUEUES, wanted([claim.id for claim in batch])),
        "settle": (sql.SETTLE, values.settle_columns(verdicts, WORKER)),
        "settle what returned": (sql.SETTLE_PLAIN, values.plain_columns(verdicts, WORKER)),
        "settle away": (sql.SETTLE_AND_DELETE, owned),
        "adopt": (sql.REASSIGN, owned | {"heir": WORKER}),
        "give back": (sql.GIVE_BACK, owned),
        "progress": (sql.PROGRESS, owned | {"texts": ["1"] * size}),
    }

    plans = {name: scans(*statement) for name, statement in statements.items()}

    assert {
        name for name, lines in plans.items() if "taskrecord_pkey" not in "".join(lines)
    } == set()
    assert "Seq Scan" not in str(plans)
    assert "djtasks_worker" not in str(plans)
    assert "djtasks_ready" not in str(plans)


def test_a_look_reads_the_ready_index_alone(claims: list[Claim]) -> None:
    scans = scans_of(sql.SCAN, None)

    reads = [scan for scan in scans if "taskrecord" in scan]
    assert reads
    assert all("djtasks_ready" in scan for scan in reads)
